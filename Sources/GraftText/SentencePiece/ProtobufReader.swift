/// Reads the fields of a message in the wire format of Protocol Buffers, version 2.
///
/// Reference: [Encoding](https://protobuf.dev/programming-guides/encoding/).
struct ProtobufReader {
    /// The bytes are no such message.
    struct Failure: Error, Hashable {
        /// Where that showed.
        let position: Int
    }

    /// The value of a field.
    enum Value {
        case integer(UInt64)
        case fixed32(UInt32)
        case bytes(Range<Int>)
        /// A field of eight bytes, which no message of ours has.
        case other
    }

    private let bytes: [UInt8]
    private let end: Int
    private var position: Int

    /// Creates a reader of the message in `bytes[range]`.
    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        end = range.upperBound
        position = range.lowerBound
    }

    /// Calls `body` with the number and the value of each field.
    static func forEachField<Failed: Error>(
        of bytes: [UInt8],
        _ range: Range<Int>,
        failure: (Failure) -> Failed,
        _ body: (Int, Value) throws(Failed) -> Void
    ) throws(Failed) {
        var reader = ProtobufReader(bytes, range)
        while reader.position < reader.end {
            let field: (number: Int, value: Value)
            do throws(Failure) {
                field = try reader.field()
            } catch {
                throw failure(error)
            }
            try body(field.number, field.value)
        }
    }

    private mutating func field() throws(Failure) -> (number: Int, value: Value) {
        let key = try integer()
        let number = Int(truncatingIfNeeded: key >> 3)
        switch key & 7 {
        case 0: return (number, .integer(try integer()))
        case 1:
            _ = try range(of: 8)
            return (number, .other)
        case 2:
            let count = try integer()
            guard count <= UInt64(end) else { throw Failure(position: position) }
            return (number, .bytes(try range(of: Int(count))))
        case 5:
            let part = try range(of: 4)
            let value = part.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[$1]) }
            return (number, .fixed32(value))
        default: throw Failure(position: position)
        }
    }

    private mutating func integer() throws(Failure) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard position < end else { break }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw Failure(position: position)
    }

    private mutating func range(of count: Int) throws(Failure) -> Range<Int> {
        guard count <= end - position else { throw Failure(position: position) }
        position += count
        return position - count..<position
    }
}

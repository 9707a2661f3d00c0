internal import CZlib

/// Decompresses another source of bytes as gzip (RFC 1952), one member after the other.
///
/// Every member's checksum and length are verified. After the last member only zero bytes may follow
/// (padding, as tape and block tools leave it). Anything else, and an end of input inside a member, is
/// an error: a truncated download must not pass for a shorter data set.
@safe
final class GzipSource: ByteSource {
    /// The two bytes that begin every gzip file.
    static let magic: [UInt8] = [0x1f, 0x8b]

    private static let inputSize = 1 << 16

    private let path: String
    private var source: any ByteSource
    private let stream: UnsafeMutablePointer<z_stream>
    private var input: [UInt8]
    private var consumed = 0
    private var inMember = true

    /// Decompresses `source`, of which `head` has been read already.
    init(_ source: any ByteSource, head: [UInt8], path: String) throws(DataError) {
        self.path = path
        self.source = source
        input = head
        // zlib's state points back at the stream, which therefore needs an address of its own.
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        guard unsafe czlib_inflate_init_gzip(stream) == Z_OK else {
            throw .unreadable(path: path, reason: "zlib cannot start: out of memory")
        }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    func read(_ count: Int) throws(DataError) -> [UInt8] {
        while true {
            if consumed == input.count {
                input = try source.read(Self.inputSize)
                consumed = 0
                if input.isEmpty {
                    guard inMember else { return [] }
                    throw .damagedGzip(path: path, reason: "the file ends too early")
                }
            }
            if !inMember { try beginMember() }
            guard inMember else { continue }
            let output = try inflateSome(count)
            if !output.isEmpty { return output }
        }
    }

    /// Skips zero padding and prepares for the next member, if one begins here.
    private func beginMember() throws(DataError) {
        while consumed < input.count, input[consumed] == 0 { consumed += 1 }
        guard consumed < input.count else { return }
        guard input[consumed] == Self.magic[0] else {
            throw .damagedGzip(path: path, reason: "other data follows the compressed data")
        }
        unsafe inflateReset(stream)
        inMember = true
    }

    /// Feeds the input that is left to zlib; returns what that yields, possibly nothing.
    private func inflateSome(_ count: Int) throws(DataError) -> [UInt8] {
        var status = Z_OK
        let output = unsafe [UInt8](unsafeUninitializedCapacity: count) { target, produced in
            unsafe input.withUnsafeMutableBufferPointer { bytes in
                let available = bytes.count - consumed
                unsafe stream.pointee.next_in = bytes.baseAddress?.advanced(by: consumed)
                unsafe stream.pointee.avail_in = UInt32(available)
                unsafe stream.pointee.next_out = target.baseAddress
                unsafe stream.pointee.avail_out = UInt32(target.count)
                status = unsafe inflate(stream, Z_NO_FLUSH)
                consumed += unsafe available - Int(stream.pointee.avail_in)
                produced = unsafe target.count - Int(stream.pointee.avail_out)
            }
        }
        switch status {
        case Z_STREAM_END: inMember = false
        case Z_OK, Z_BUF_ERROR: break
        default: throw .damagedGzip(path: path, reason: message(for: status))
        }
        return output
    }

    private func message(for status: Int32) -> String {
        guard let text = unsafe stream.pointee.msg else { return "zlib status \(status)" }
        return unsafe String(cString: text)
    }
}

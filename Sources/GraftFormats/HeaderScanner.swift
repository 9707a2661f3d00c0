/// Reads the part of JSON that a safetensors header may use, from front to back and without
/// recursion, so that no input can exhaust the stack.
struct HeaderScanner {
    /// The tensor whose description is being read, for errors.
    var tensor: String?

    private let bytes: [UInt8]
    private let file: String
    private var position = 0

    init(_ bytes: [UInt8], file: String) {
        self.bytes = bytes
        self.file = file
    }

    /// Returns an error that points at the current byte of the header.
    func failure(_ problem: String, hint: String? = nil) -> SafetensorsError {
        let place = "\(problem) (byte \(position) of the header)"
        return SafetensorsError(file, tensor: tensor, place, hint: hint)
    }

    /// Returns an error about the current tensor.
    func complaint(_ problem: String, hint: String? = nil) -> SafetensorsError {
        SafetensorsError(file, tensor: tensor, problem, hint: hint)
    }

    /// Reads an object and calls `member` with the scanner at the value of each member.
    mutating func object(
        _ member: (inout HeaderScanner, String) throws(SafetensorsError) -> Void
    ) throws(SafetensorsError) {
        try expect("{")
        if skip("}") { return }
        repeat {
            let name = try string()
            try expect(":")
            try member(&self, name)
        } while skip(",")
        try expect("}")
    }

    /// Reads a list of integers that are not negative.
    mutating func naturalNumbers(_ role: String) throws(SafetensorsError) -> [Int] {
        var result: [Int] = []
        try expect("[")
        if skip("]") { return [] }
        repeat { result.append(try naturalNumber(role)) } while skip(",")
        try expect("]")
        return result
    }

    /// Reads a string.
    mutating func string() throws(SafetensorsError) -> String {
        try expect("\"")
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                let text = String(validating: bytes[start..<position], as: UTF8.self)
                guard let text else { throw failure("a name is not valid UTF-8") }
                position += 1
                return text
            case UInt8(ascii: "\\"):
                return try escapedString(after: Array(bytes[start..<position]))
            case ..<0x20:
                throw failure("a name has an unescaped control character")
            default:
                position += 1
            }
        }
        throw failure("the header ends within a name")
    }

    /// Checks that only the padding is left.
    mutating func end() throws(SafetensorsError) {
        skipSpace()
        if position < bytes.count { throw failure("the header goes on after its end") }
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(SafetensorsError) {
        guard skip(character) else {
            let end = position >= bytes.count
            throw failure("expected '\(character)'" + (end ? " but the header ends" : ""))
        }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else {
            return false
        }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func naturalNumber(_ role: String) throws(SafetensorsError) -> Int {
        skipSpace()
        let start = position
        var value = 0
        while position < bytes.count, case let digit = bytes[position] &- 0x30, digit < 10 {
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(Int(digit))
            guard !overflow, !carry else { throw failure("\(role) is too large") }
            value = sum
            position += 1
        }
        let next = position < bytes.count ? bytes[position] : 0
        if position == start, next == UInt8(ascii: "-") { throw failure("\(role) is negative") }
        let isFraction = next == UInt8(ascii: ".") || next | 0x20 == UInt8(ascii: "e")
        guard position > start, !isFraction else { throw failure("\(role) is not an integer") }
        guard bytes[start] != 0x30 || position == start + 1 else {
            throw failure("\(role) has a leading zero")
        }
        return value
    }

    /// Reads on from the first backslash of a string.
    private mutating func escapedString(after prefix: [UInt8]) throws(SafetensorsError) -> String {
        var text = prefix
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let result = String(validating: text, as: UTF8.self) else {
                    throw failure("a name is not valid UTF-8")
                }
                return result
            case UInt8(ascii: "\\"):
                text.append(contentsOf: String(try escape()).utf8)
            case ..<0x20:
                throw failure("a name has an unescaped control character")
            default:
                text.append(byte)
            }
        }
        throw failure("the header ends within a name")
    }

    /// Reads what follows a backslash.
    private mutating func escape() throws(SafetensorsError) -> Unicode.Scalar {
        guard position < bytes.count else { throw failure("the header ends within a name") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try escapedScalar()
        default: throw failure("a name has an unknown escape")
        }
    }

    private mutating func escapedScalar() throws(SafetensorsError) -> Unicode.Scalar {
        var code = try hexadecimal()
        if (0xD800..<0xDC00).contains(code), skipExactly("\\"), skipExactly("u") {
            let low = try hexadecimal()
            guard (0xDC00..<0xE000).contains(low) else { throw failure("a name has half a pair") }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw failure("a name has half a pair") }
        return scalar
    }

    private mutating func skipExactly(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else {
            return false
        }
        position += 1
        return true
    }

    private mutating func hexadecimal() throws(SafetensorsError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard
                position < bytes.count,
                let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue
            else { throw failure("a name has an escape that is not hexadecimal") }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}

/// Parses JSON (RFC 8259), strictly: no comments, no trailing commas, nothing after the value.
struct JSONParser {
    /// Why the text is not JSON, and the byte where that showed.
    struct Failure: Error, Hashable {
        let position: Int
        let reason: String
    }

    /// How deep values may nest; deeper text is refused before it can exhaust the stack.
    private static let depthLimit = 128

    private let bytes: [UInt8]
    private var position = 0
    private var scratch: [UInt8] = []

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Returns the value that `bytes` hold.
    static func parse(_ bytes: [UInt8]) throws(Failure) -> JSONTree {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw Failure(position: 0, reason: "the file is not UTF-8")
        }
        var parser = JSONParser(bytes)
        let value = try parser.value(depth: 0)
        if parser.peek() != nil { throw parser.failure("something follows the value") }
        return value
    }

    private mutating func value(depth: Int) throws(Failure) -> JSONTree {
        guard depth < Self.depthLimit else { throw failure("values nest too deep") }
        switch peek() {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw failure("the text ends where a value should be")
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws(Failure) -> JSONTree {
        position += 1
        var members: [JSONTree.Member] = []
        if takes("}") { return .object(members) }
        repeat {
            guard peek() == UInt8(ascii: "\"") else { throw failure("expected a name in quotes") }
            let name = try string()
            guard takes(":") else { throw failure("expected ':'") }
            members.append(JSONTree.Member(name: name, value: try value(depth: depth + 1)))
        } while takes(",")
        guard takes("}") else { throw failure("expected ',' or '}'") }
        return .object(members)
    }

    private mutating func array(depth: Int) throws(Failure) -> JSONTree {
        position += 1
        var elements: [JSONTree] = []
        if takes("]") { return .array(elements) }
        repeat {
            elements.append(try value(depth: depth + 1))
        } while takes(",")
        guard takes("]") else { throw failure("expected ',' or ']'") }
        return .array(elements)
    }

    private mutating func string() throws(Failure) -> String {
        position += 1
        let start = position
        while position < bytes.count, Self.isPlain(bytes[position]) { position += 1 }
        if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
            position += 1
            return String(decoding: bytes[start..<position - 1], as: UTF8.self)
        }
        return try string(from: start)
    }

    /// Reads on in a string whose part from `start` is plain, and that may have escapes from here.
    private mutating func string(from start: Int) throws(Failure) -> String {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: scratch, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape()
            case ..<0x20: throw failure("a control character in a string", at: position - 1)
            default: scratch.append(byte)
            }
        }
        throw failure("the text ends inside a string")
    }

    @inline(__always)
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private mutating func escape() throws(Failure) {
        guard position < bytes.count else { throw failure("the text ends inside a string") }
        let letter = bytes[position]
        position += 1
        switch Unicode.Scalar(letter) {
        case "\"", "\\", "/": scratch.append(letter)
        case "b": scratch.append(0x08)
        case "f": scratch.append(0x0C)
        case "n": scratch.append(0x0A)
        case "r": scratch.append(0x0D)
        case "t": scratch.append(0x09)
        case "u": scratch += String(try unicodeEscape()).utf8
        default: throw failure("unknown escape in a string", at: position - 1)
        }
    }

    private mutating func unicodeEscape() throws(Failure) -> Unicode.Scalar {
        let start = position
        let unit = try hexadecimal()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard (0xD800..<0xDC00).contains(unit), bytes[position...].starts(with: #"\u"#.utf8) else {
            throw failure("half of a surrogate pair", at: start)
        }
        position += 2
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low),
            let scalar = Unicode.Scalar(0x1_0000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        else { throw failure("half of a surrogate pair", at: start) }
        return scalar
    }

    private mutating func hexadecimal() throws(Failure) -> UInt32 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4,
            digits.allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }),
            let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw failure("expected four hexadecimal digits") }
        position += 4
        return value
    }

    private mutating func number() throws(Failure) -> JSONTree {
        let start = position
        _ = skip("-")
        if !skip("0") { try digits() }
        var isWhole = true
        if skip(".") {
            isWhole = false
            try digits()
        }
        if skip("e") || skip("E") {
            isWhole = false
            if !skip("-") { _ = skip("+") }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let value = Int(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else {
            throw failure("a number out of range", at: start)
        }
        return .number(value)
    }

    /// Moves past digits, of which there must be one.
    private mutating func digits() throws(Failure) {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard position < bytes.count, digits ~= bytes[position] else {
            throw failure("expected a value")
        }
        while position < bytes.count, digits ~= bytes[position] { position += 1 }
    }

    /// Moves past the next byte if it is `mark`, without white space before it.
    private mutating func skip(_ mark: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: mark) else { return false }
        position += 1
        return true
    }

    private mutating func word(_ word: String, _ value: JSONTree) throws(Failure) -> JSONTree {
        guard bytes[position...].starts(with: word.utf8) else { throw failure("expected a value") }
        position += word.utf8.count
        return value
    }

    /// The next byte after white space, not taken.
    private mutating func peek() -> UInt8? {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return bytes[position]
            }
        }
        return nil
    }

    private mutating func takes(_ mark: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: mark) else { return false }
        position += 1
        return true
    }

    private func failure(_ reason: String, at place: Int? = nil) -> Failure {
        Failure(position: place ?? position, reason: reason)
    }
}

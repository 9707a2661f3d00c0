/// Reads JSON (RFC 8259) strictly and with little ado: the values asked for, and past all others.
///
/// Foundation's parser builds every value of a row, boxes it, and does not say where text goes wrong.
/// Data rows need two or three members of each object, the place of an error, and the difference
/// between 1 and 1.0; hence a scanner of our own.
///
/// It is strict where readers differ: no comments, no trailing commas, no `NaN`, no raw control
/// characters in strings, no number with leading zeros, and no lone surrogate (`"\ud83d"`), which no
/// string can hold: replacing it would change the text without a word. The bytes must be
/// valid UTF-8, which the caller has checked.
struct JSONScanner {
    /// Why the text is not JSON.
    struct Failure: Error, Hashable {
        /// The byte where the scanner gave up, as an index of the bytes it was given.
        let position: Int
        let reason: String
    }

    /// How deep arrays and objects may nest; deeper input is refused before it can exhaust the stack.
    static let depthLimit = 256

    private let bytes: ArraySlice<UInt8>
    private(set) var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    mutating func value(depth: Int = 0) throws(Failure) -> JSONValue {
        switch try peek() {
        case UInt8(ascii: "{"):
            var members: [JSONValue.Member] = []
            try object(depth: depth) { name, scanner throws(Failure) in
                members.append(.init(name, try scanner.value(depth: depth + 1)))
            }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONValue] = []
            try array(depth: depth) { scanner throws(Failure) in
                elements.append(try scanner.value(depth: depth + 1))
            }
            return .array(elements)
        case .quote: return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    /// Moves past a value, checking it all the same.
    mutating func skipValue(depth: Int = 0) throws(Failure) {
        switch try peek() {
        case UInt8(ascii: "{"):
            try object(depth: depth) { _, scanner throws(Failure) in
                try scanner.skipValue(depth: depth + 1)
            }
        case UInt8(ascii: "["):
            try array(depth: depth) { scanner throws(Failure) in
                try scanner.skipValue(depth: depth + 1)
            }
        case .quote: _ = try string()
        default: _ = try value(depth: depth)
        }
    }

    /// Reads an object, calling `member` with each name when the scanner stands before its value.
    mutating func object(
        depth: Int = 0,
        member: (String, inout JSONScanner) throws(Failure) -> Void
    ) throws(Failure) {
        try sequence(from: "{", to: "}", depth: depth) { scanner throws(Failure) in
            guard try scanner.peek() == .quote else {
                throw scanner.failure("expected a member name in quotes")
            }
            let name = try scanner.string()
            try scanner.expect(":")
            try member(name, &scanner)
        }
    }

    /// Reads an array, calling `element` when the scanner stands before each of its values.
    mutating func array(
        depth: Int = 0,
        element: (inout JSONScanner) throws(Failure) -> Void
    ) throws(Failure) {
        try sequence(from: "[", to: "]", depth: depth, element)
    }

    /// Checks that nothing but white space is left.
    mutating func finish() throws(Failure) {
        skipSpace()
        guard position == bytes.endIndex else { throw failure("unexpected text after the value") }
    }

    private mutating func sequence(
        from open: Unicode.Scalar,
        to close: Unicode.Scalar,
        depth: Int,
        _ item: (inout JSONScanner) throws(Failure) -> Void
    ) throws(Failure) {
        guard depth < Self.depthLimit else {
            throw failure("nested more than \(Self.depthLimit) deep")
        }
        try expect(open)
        if try peek() == UInt8(ascii: close) {
            position += 1
            return
        }
        while true {
            try item(&self)
            let next = try peek()
            guard next == .comma || next == UInt8(ascii: close) else {
                throw failure("expected ',' or '\(close)'")
            }
            position += 1
            if next != .comma { return }
        }
    }

    /// The next byte that is not white space, where the scanner then stands.
    mutating func peek() throws(Failure) -> UInt8 {
        skipSpace()
        guard position < bytes.endIndex else { throw failure("the text ends too early") }
        return bytes[position]
    }

    private mutating func skipSpace() {
        while position < bytes.endIndex, isJSONSpace(bytes[position]) { position += 1 }
    }

    mutating func expect(_ token: Unicode.Scalar) throws(Failure) {
        guard try peek() == UInt8(ascii: token) else { throw failure("expected '\(token)'") }
        position += 1
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(Failure)
        -> JSONValue
    {
        let text = word.description.utf8
        guard bytes[position...].starts(with: text) else { throw failure("expected a value") }
        position += text.count
        return value
    }

    /// The byte at the scanner's position; nil at the end.
    var byte: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    subscript(range: Range<Int>) -> ArraySlice<UInt8> { bytes[range] }

    mutating func advance() { position += 1 }

    func failure(_ reason: String) -> Failure {
        Failure(position: position, reason: reason)
    }

    private mutating func number() throws(Failure) -> JSONValue {
        let start = position
        if byte == UInt8(ascii: "-") { position += 1 }
        let first = position
        try digits(orThrow: position == start ? "expected a value" : "expected a digit")
        if position > first + 1, bytes[first] == UInt8(ascii: "0") {
            position = first
            throw failure("a number cannot begin with 0")
        }
        var isWhole = true
        if byte == UInt8(ascii: ".") {
            isWhole = false
            position += 1
            try digits(orThrow: "expected a digit after the point")
        }
        if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
            isWhole = false
            position += 1
            if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { position += 1 }
            try digits(orThrow: "expected a digit in the exponent")
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let integer = Int(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else {
            position = start
            throw failure("the number \(text) is too large")
        }
        return .number(number)
    }

    private mutating func digits(orThrow reason: String) throws(Failure) {
        let start = position
        while let byte, UInt8(ascii: "0") <= byte, byte <= UInt8(ascii: "9") { position += 1 }
        guard position > start else { throw failure(reason) }
    }
}

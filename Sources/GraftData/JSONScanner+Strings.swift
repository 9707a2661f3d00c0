extension JSONScanner {
    /// Reads the string that begins with the quote at the scanner's position.
    mutating func string() throws(Failure) -> String {
        advance()
        let start = position
        try skipPlain()
        guard byte == .backslash else {
            defer { advance() }
            return String(decoding: self[start..<position], as: UTF8.self)
        }
        var text: [UInt8] = []
        var plain = start
        while byte == .backslash {
            text += self[plain..<position]
            text += String(try escape()).utf8
            plain = position
            try skipPlain()
        }
        text += self[plain..<position]
        advance()
        return String(decoding: text, as: UTF8.self)
    }

    /// Moves to the next quote or backslash of a string.
    private mutating func skipPlain() throws(Failure) {
        while let byte, byte != .quote, byte != .backslash {
            guard byte >= 0x20 else {
                throw failure("a control character in a string must be escaped")
            }
            advance()
        }
        guard byte != nil else { throw failure("the string is not closed") }
    }

    private mutating func escape() throws(Failure) -> Unicode.Scalar {
        let start = position
        advance()
        let letter = byte
        advance()
        switch letter {
        case .quote: return "\""
        case .backslash: return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape(from: start)
        default: throw Failure(position: start, reason: "unknown escape in a string")
        }
    }

    /// Reads the digits of `\uXXXX`, and the second half of a surrogate pair.
    private mutating func unicodeEscape(from start: Int) throws(Failure) -> Unicode.Scalar {
        let high = try hexadecimal(from: start)
        if let scalar = Unicode.Scalar(high) { return scalar }
        let lone = Failure(position: start, reason: "half a surrogate pair in a string")
        guard high < 0xdc00, byte == .backslash else { throw lone }
        advance()
        guard byte == UInt8(ascii: "u") else { throw lone }
        advance()
        let low = try hexadecimal(from: start)
        guard (0xdc00...0xdfff).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (high - 0xd800) << 10 + (low - 0xdc00))
        else { throw lone }
        return scalar
    }

    private mutating func hexadecimal(from start: Int) throws(Failure) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw Failure(position: start, reason: "expected four hexadecimal digits after \\u")
            }
            value = value << 4 + UInt32(digit)
            advance()
        }
        return value
    }
}

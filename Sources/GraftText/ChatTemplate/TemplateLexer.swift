/// Cuts a template into text and tags, and tags into tokens.
///
/// White space around tags is handled as `transformers` sets Jinja up: `trim_blocks` takes the line end behind a block, and
/// `lstrip_blocks` the spaces before one that begins a line; `-` beside a delimiter takes all white space on that
/// side, `+` none.
///
/// Reference: `lexer.py` of Jinja 3.1.
struct TemplateLexer {
    /// A piece of a template.
    enum Piece {
        case text(String)
        /// `{{ ... }}`
        case output([Token])
        /// `{% ... %}`
        case block([Token])
    }

    /// A token of an expression.
    struct Token: Hashable {
        enum Kind: Hashable {
            case name(String)
            case string(String)
            case integer(Int)
            case float(Double)
            case symbol(String)
        }

        let kind: Kind
        let line: Int
    }

    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var line = 1

    private init(_ source: String) {
        // Line ends are all alike, and one at the very end is not part of the template.
        var scalars: [Unicode.Scalar] = []
        for scalar in source.unicodeScalars {
            if scalar == "\n", scalars.last == "\r" { scalars.removeLast() }
            scalars.append(scalar)
        }
        scalars = scalars.map { $0 == "\r" ? "\n" : $0 }
        if scalars.last == "\n" { scalars.removeLast() }
        self.scalars = scalars
    }

    /// Returns the pieces of a template.
    static func pieces(of source: String) throws(ChatTemplateError) -> [Piece] {
        var lexer = TemplateLexer(source)
        return try lexer.pieces()
    }

    private mutating func pieces() throws(ChatTemplateError) -> [Piece] {
        var pieces: [Piece] = []
        var startsLine = true
        while position < scalars.count {
            let start = position
            while position < scalars.count, !isTag(at: position) { advance() }
            var text = scalars[start..<position]
            let isLast = position == scalars.count
            if !isLast { trim(&text, before: position, startsLine) }
            if !text.isEmpty { pieces.append(.text(Self.string(text))) }
            if isLast { break }
            let opening = scalars[position + 1]
            advance(2)
            if !takes("-") { _ = takes("+") }
            switch opening {
            case "#": try skipComment()
            case "{": pieces.append(.output(try tokens(until: "}")))
            default: pieces.append(.block(try tokens(until: "%")))
            }
            startsLine = scalars[position - 1] == "\n"
        }
        return pieces
    }

    private func isTag(at index: Int) -> Bool {
        index + 1 < scalars.count && scalars[index] == "{"
            && ["{", "%", "#"].contains(scalars[index + 1])
    }

    /// Takes white space before a tag from the end of a text.
    private func trim(
        _ text: inout ArraySlice<Unicode.Scalar>,
        before tag: Int,
        _ startsLine: Bool
    ) {
        let sign = tag + 2 < scalars.count ? scalars[tag + 2] : " "
        if sign == "-" {
            while let last = text.last, last.isPythonSpace { text.removeLast() }
        } else if sign != "+", scalars[tag + 1] != "{" {
            var rest = text
            while let last = rest.last, last != "\n", last.isPythonSpace { rest.removeLast() }
            if rest.isEmpty ? startsLine : rest.last == "\n" { text = rest }
        }
    }

    private mutating func skipComment() throws(ChatTemplateError) {
        let start = line
        while position + 1 < scalars.count {
            if scalars[position] == "#", scalars[position + 1] == "}" {
                let sign = scalars[position - 1]
                advance(2)
                skipSpace(after: sign, isBlock: true)
                return
            }
            advance()
        }
        throw .syntax(line: start, problem: "a comment has no end")
    }

    /// The tokens of a tag that `mark` and `}` end, and the white space behind it that goes with the tag.
    private mutating func tokens(until mark: Unicode.Scalar) throws(ChatTemplateError) -> [Token] {
        var tokens: [Token] = []
        var depth = 0
        let start = line
        while true {
            while position < scalars.count, scalars[position].isPythonSpace { advance() }
            guard position < scalars.count else {
                throw .syntax(line: start, problem: "a tag has no end")
            }
            if let sign = endSign(mark, depth) {
                skipSpace(after: sign, isBlock: mark == "%")
                return tokens
            }
            let token = try token()
            if case .symbol(let symbol) = token.kind {
                if ["(", "[", "{"].contains(symbol) { depth += 1 }
                if [")", "]", "}"].contains(symbol) { depth -= 1 }
            }
            tokens.append(token)
        }
    }

    /// Moves past the end of a tag if it is here, and returns the sign before it, a space if there is none.
    private mutating func endSign(_ mark: Unicode.Scalar, _ depth: Int) -> Unicode.Scalar? {
        func isEnd(_ index: Int) -> Bool {
            index + 1 < scalars.count && scalars[index] == mark && scalars[index + 1] == "}"
        }
        let sign = scalars[position]
        // `}}` may end two dictionaries.
        if isEnd(position), mark == "%" || depth == 0 {
            advance(2)
            return " "
        }
        if sign == "-" || sign == "+" && mark == "%", isEnd(position + 1) {
            advance(3)
            return sign
        }
        return nil
    }

    private mutating func skipSpace(after sign: Unicode.Scalar, isBlock: Bool) {
        if sign == "-" {
            while position < scalars.count, scalars[position].isPythonSpace { advance() }
        } else if sign != "+", isBlock {
            _ = takes("\n")
        }
    }

    private mutating func token() throws(ChatTemplateError) -> Token {
        let (start, first) = (line, scalars[position])
        func made(_ kind: Token.Kind) -> Token { Token(kind: kind, line: start) }
        if first == "\"" || first == "'" { return made(.string(try string())) }
        if first.isNameStart {
            return made(.name(take { $0.isNameStart || $0.isDigit }))
        }
        if first.isDigit { return made(try number()) }
        for symbol in ["**", "//", "==", "!=", "<=", ">="] {
            if scalars[position...].starts(with: symbol.unicodeScalars) {
                advance(2)
                return made(.symbol(symbol))
            }
        }
        guard "+-*/%~<>=()[]{}.,:|".unicodeScalars.contains(first) else {
            throw .syntax(line: line, problem: "unexpected \(first)")
        }
        advance()
        return made(.symbol(String(first)))
    }

    private mutating func number() throws(ChatTemplateError) -> Token.Kind {
        func digit(at index: Int) -> Bool { index < scalars.count && scalars[index].isDigit }
        let digits = take { $0.isDigit || $0 == "_" }.filter { $0 != "_" }
        var text = digits
        if position < scalars.count, scalars[position] == ".", digit(at: position + 1) {
            advance()
            text += "." + take(\.isDigit)
        }
        if position < scalars.count, scalars[position] == "e" || scalars[position] == "E" {
            let isSigned =
                position + 1 < scalars.count && "+-".unicodeScalars.contains(scalars[position + 1])
            let sign = isSigned ? String(scalars[position + 1]) : ""
            if digit(at: position + 1 + sign.count) {
                advance(1 + sign.count)
                text += "e" + sign + take(\.isDigit)
            }
        }
        if text != digits { return .float(Double(text) ?? 0) }
        guard let value = Int(digits) else {
            throw .syntax(line: line, problem: "the number \(digits) is too large")
        }
        return .integer(value)
    }

    private mutating func string() throws(ChatTemplateError) -> String {
        let (start, quote) = (line, scalars[position])
        var text = String.UnicodeScalarView()
        advance()
        while position < scalars.count, scalars[position] != quote {
            if scalars[position] == "\\", position + 1 < scalars.count {
                advance()
                try appendEscape(to: &text)
            } else {
                text.append(scalars[position])
                advance()
            }
        }
        guard position < scalars.count else {
            throw .syntax(line: start, problem: "a string has no end")
        }
        advance()
        return String(text)
    }

    private mutating func appendEscape(
        to text: inout String.UnicodeScalarView
    ) throws(ChatTemplateError) {
        let letter = scalars[position]
        advance()
        let simple: [Unicode.Scalar: Unicode.Scalar] = [
            "n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", "\"": "\"", "0": "\0",
            "a": "\u{7}", "b": "\u{8}", "f": "\u{C}", "v": "\u{B}",
        ]
        let widths: [Unicode.Scalar: Int] = ["x": 2, "u": 4, "U": 8]
        if let scalar = simple[letter] {
            text.append(scalar)
        } else if letter == "\n" {
            return
        } else if let width = widths[letter] {
            let digits = Self.string(scalars[position...].prefix(width))
            guard digits.unicodeScalars.count == width, let value = UInt32(digits, radix: 16),
                let scalar = Unicode.Scalar(value)
            else { throw .syntax(line: line, problem: "a wrong escape in a string") }
            advance(width)
            text.append(scalar)
        } else {
            text.append("\\")
            text.append(letter)
        }
    }

    private mutating func take(_ isPart: (Unicode.Scalar) -> Bool) -> String {
        let start = position
        while position < scalars.count, isPart(scalars[position]) { advance() }
        return Self.string(scalars[start..<position])
    }

    private mutating func takes(_ scalar: Unicode.Scalar) -> Bool {
        guard position < scalars.count, scalars[position] == scalar else { return false }
        advance()
        return true
    }

    private mutating func advance(_ count: Int = 1) {
        for _ in 0..<count where position < scalars.count {
            if scalars[position] == "\n" { line += 1 }
            position += 1
        }
    }

    private static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }
}

extension Unicode.Scalar {
    /// What Python takes for white space.
    package var isPythonSpace: Bool {
        properties.isWhitespace || ("\u{1C}"..."\u{1F}").contains(self)
    }

    fileprivate var isDigit: Bool { ("0"..."9").contains(self) }

    fileprivate var isNameStart: Bool {
        self == "_" || properties.isAlphabetic
    }
}

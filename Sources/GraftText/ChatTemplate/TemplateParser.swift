/// Parses the statements of a chat template.
///
/// Reference: `parser.py` of Jinja 3.1, of which this is the part that chat templates use.
struct TemplateParser {
    private let pieces: [TemplateLexer.Piece]
    private var index = 0
    private var loopDepth = 0

    private init(_ pieces: [TemplateLexer.Piece]) { self.pieces = pieces }

    /// How deep statements may nest.
    private static let depthLimit = 64

    /// Returns the statements of a template.
    static func statements(of source: String) throws(ChatTemplateError) -> [TemplateStatement] {
        var parser = TemplateParser(try TemplateLexer.pieces(of: source))
        let (statements, end) = try parser.statements(until: [], openedAt: 1, depth: 0)
        if let end { throw .syntax(line: end.line, problem: "\(end.word) without a beginning") }
        return statements
    }

    /// A word that ends statements, and what follows it in its block.
    private struct End {
        let word: String
        let line: Int
        var rest: ExpressionParser
    }

    /// Parses statements up to a block that begins with one of `words`, or to the end of the template if there are none.
    private mutating func statements(
        until words: [String],
        openedAt line: Int,
        depth: Int
    ) throws(ChatTemplateError) -> ([TemplateStatement], End?) {
        guard depth < Self.depthLimit else {
            throw .syntax(line: line, problem: "blocks nest too deep")
        }
        var statements: [TemplateStatement] = []
        while index < pieces.count {
            let piece = pieces[index]
            index += 1
            switch piece {
            case .text(let text): statements.append(.text(text))
            case .output(let tokens):
                var parser = ExpressionParser(tokens)
                statements.append(.output(try parser.wholeExpression()))
            case .block(let tokens):
                var parser = ExpressionParser(tokens)
                let (word, line) = try parser.word()
                if words.contains(word) {
                    return (statements, End(word: word, line: line, rest: parser))
                }
                statements += try statement(word, line, &parser, depth: depth)
            }
        }
        guard words.isEmpty else {
            throw .syntax(line: line, problem: "a block has no \(words[words.count - 1])")
        }
        return (statements, nil)
    }

    private mutating func statement(
        _ word: String,
        _ line: Int,
        _ parser: inout ExpressionParser,
        depth: Int
    ) throws(ChatTemplateError) -> [TemplateStatement] {
        switch word {
        case "if": return [try conditional(&parser, line, depth)]
        case "for": return [try loop(&parser, line, depth)]
        case "set": return [try assignment(&parser, line, depth)]
        case "break", "continue":
            guard loopDepth > 0 else {
                throw .syntax(line: line, problem: "\(word) outside a loop")
            }
            try parser.finish()
            return [word == "break" ? .break : .continue]
        case "generation":
            // Marks the answers of the assistant for training; it prints what it holds.
            try parser.finish()
            return [.scope(try body(until: "endgeneration", line, depth))]
        case "endif", "endfor", "endset", "else", "elif", "endgeneration":
            throw .syntax(line: line, problem: "\(word) without a beginning")
        default:
            throw .unsupported(line: line, construct: "the statement \(word)")
        }
    }

    /// Parses statements up to one word, which nothing follows.
    private mutating func body(
        until word: String,
        _ line: Int,
        _ depth: Int
    ) throws(ChatTemplateError) -> [TemplateStatement] {
        let (statements, end) = try statements(until: [word], openedAt: line, depth: depth + 1)
        try end?.rest.finish()
        return statements
    }

    private mutating func conditional(
        _ parser: inout ExpressionParser,
        _ line: Int,
        _ depth: Int
    ) throws(ChatTemplateError) -> TemplateStatement {
        var branches: [(test: TemplateExpression, body: [TemplateStatement])] = []
        var test = try parser.wholeExpression()
        while true {
            let (body, end) = try statements(
                until: ["elif", "else", "endif"],
                openedAt: line,
                depth: depth + 1
            )
            branches.append((test, body))
            guard var end else { break }
            if end.word == "elif" {
                test = try end.rest.wholeExpression()
                continue
            }
            try end.rest.finish()
            if end.word == "endif" { break }
            return .conditional(branches, otherwise: try self.body(until: "endif", line, depth))
        }
        return .conditional(branches, otherwise: [])
    }

    private mutating func loop(
        _ parser: inout ExpressionParser,
        _ line: Int,
        _ depth: Int
    ) throws(ChatTemplateError) -> TemplateStatement {
        var names = [try parser.word().word]
        while parser.takes(symbol: ",") { names.append(try parser.word().word) }
        guard parser.takes(word: "in") else {
            throw .syntax(line: line, problem: "expected 'in' after the names of a loop")
        }
        let sequence = try parser.expression(withoutConditional: true)
        var filter: TemplateExpression?
        if parser.takes(word: "if") { filter = try parser.expression() }
        if parser.takes(word: "recursive") {
            throw .unsupported(line: line, construct: "a recursive loop")
        }
        try parser.finish()
        loopDepth += 1
        let (body, end) = try statements(
            until: ["else", "endfor"],
            openedAt: line,
            depth: depth + 1
        )
        loopDepth -= 1
        try end?.rest.finish()
        let otherwise = end?.word == "else" ? try self.body(until: "endfor", line, depth) : []
        return .loop(
            TemplateLoop(
                names: names,
                sequence: sequence,
                filter: filter,
                body: body,
                otherwise: otherwise
            )
        )
    }

    private mutating func assignment(
        _ parser: inout ExpressionParser,
        _ line: Int,
        _ depth: Int
    ) throws(ChatTemplateError) -> TemplateStatement {
        let name = try parser.word().word
        var target = TemplateTarget.name(name)
        if parser.takes(symbol: ".") {
            target = .member(of: name, try parser.word().word, line: line)
        } else if parser.takes(symbol: ",") {
            throw .unsupported(line: line, construct: "setting several names at once")
        }
        if parser.takes(symbol: "=") {
            return .assignment(target, try parser.wholeExpression())
        }
        try parser.finish()
        return .capture(target, try body(until: "endset", line, depth))
    }
}

/// Parses the expressions of a chat template, from the loosest operator to the tightest.
///
/// Reference: `parser.py` of Jinja 3.1.
struct ExpressionParser {
    private let tokens: [TemplateLexer.Token]
    private var index = 0
    private var depth = 0

    /// How many times an expression was put into another.
    private var links = 0

    private static let depthLimit = 64
    private static let linkLimit = 512

    init(_ tokens: [TemplateLexer.Token]) { self.tokens = tokens }

    /// The line of the next token, or of the last one.
    private var line: Int {
        index < tokens.count ? tokens[index].line : tokens.last?.line ?? 1
    }

    private func failure(_ problem: String) -> ChatTemplateError {
        .syntax(line: line, problem: problem)
    }

    /// Makes sure that nothing is left.
    func finish() throws(ChatTemplateError) {
        guard index == tokens.count else { throw failure("unexpected \(tokens[index].text)") }
    }

    /// Takes the next token if it is this name.
    mutating func takes(word: String) -> Bool {
        guard index < tokens.count, tokens[index].kind == .name(word) else { return false }
        index += 1
        return true
    }

    /// Takes the next token if it is this symbol.
    mutating func takes(symbol: String) -> Bool {
        guard index < tokens.count, tokens[index].kind == .symbol(symbol) else { return false }
        index += 1
        return true
    }

    private mutating func require(_ symbol: String) throws(ChatTemplateError) {
        guard takes(symbol: symbol) else { throw failure("expected '\(symbol)'") }
    }

    /// Takes a name.
    mutating func word() throws(ChatTemplateError) -> (word: String, line: Int) {
        guard index < tokens.count, case .name(let word) = tokens[index].kind else {
            throw failure("expected a name")
        }
        index += 1
        return (word, tokens[index - 1].line)
    }

    /// Parses an expression that all tokens belong to.
    mutating func wholeExpression() throws(ChatTemplateError) -> TemplateExpression {
        let first = try expression()
        guard !takes(symbol: ",") else {
            throw .unsupported(line: first.line, construct: "a tuple without parentheses")
        }
        try finish()
        return first
    }

    /// Parses an expression, without `a if b else c` at its top where an `if` follows that is not its own.
    mutating func expression(
        withoutConditional: Bool = false
    ) throws(ChatTemplateError) -> TemplateExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthLimit else { throw failure("expressions nest too deep") }
        var value = try disjunction()
        while !withoutConditional, takes(word: "if") {
            let test = try disjunction()
            let otherwise = takes(word: "else") ? try expression() : nil
            value = try chained(.conditional(value, test: test, otherwise: otherwise), value.line)
        }
        return value
    }

    private func made(_ kind: TemplateExpression.Kind, _ line: Int) -> TemplateExpression {
        TemplateExpression(kind: kind, line: line)
    }

    /// An expression around another, of which a chain as long as a file would be too deep to evaluate.
    private mutating func chained(
        _ kind: TemplateExpression.Kind,
        _ line: Int
    ) throws(ChatTemplateError) -> TemplateExpression {
        links += 1
        guard links < Self.linkLimit else { throw failure("an expression is too long") }
        return made(kind, line)
    }

    private mutating func disjunction() throws(ChatTemplateError) -> TemplateExpression {
        var left = try conjunction()
        while takes(word: "or") {
            left = try chained(.binary(left, "or", try conjunction()), left.line)
        }
        return left
    }

    private mutating func conjunction() throws(ChatTemplateError) -> TemplateExpression {
        var left = try negation()
        while takes(word: "and") {
            left = try chained(.binary(left, "and", try negation()), left.line)
        }
        return left
    }

    private mutating func negation() throws(ChatTemplateError) -> TemplateExpression {
        let line = line
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthLimit else { throw failure("expressions nest too deep") }
        return takes(word: "not") ? made(.not(try negation()), line) : try comparison()
    }

    /// Comparisons; `a < b < c` is both of them at once.
    private mutating func comparison() throws(ChatTemplateError) -> TemplateExpression {
        let first = try operation(0)
        var result: TemplateExpression?
        var left = first
        while let comparator = comparator() {
            let right = try operation(0)
            let one = made(.binary(left, comparator, right), first.line)
            if let before = result {
                result = try chained(.binary(before, "and", one), first.line)
            } else {
                result = one
            }
            left = right
        }
        return result ?? first
    }

    private mutating func comparator() -> String? {
        for symbol in ["==", "!=", "<=", ">=", "<", ">"] where takes(symbol: symbol) {
            return symbol
        }
        if takes(word: "in") { return "in" }
        if index + 1 < tokens.count, tokens[index].kind == .name("not"),
            tokens[index + 1].kind == .name("in")
        {
            index += 2
            return "not in"
        }
        return nil
    }

    /// The arithmetic operators, each level tighter than the one before.
    private static let operators = [["+", "-"], ["~"], ["*", "//", "/", "%"]]

    private mutating func operation(_ level: Int) throws(ChatTemplateError) -> TemplateExpression {
        guard level < Self.operators.count else { return try unary() }
        var left = try operation(level + 1)
        while let symbol = taken(of: Self.operators[level]) {
            left = try chained(.binary(left, symbol, try operation(level + 1)), left.line)
        }
        return left
    }

    private mutating func taken(of symbols: [String]) -> String? {
        for symbol in symbols where takes(symbol: symbol) { return symbol }
        return nil
    }

    private mutating func unary() throws(ChatTemplateError) -> TemplateExpression {
        let line = line
        if takes(symbol: "-") {
            return try filtered(made(.negative(try postfixed(primary())), line))
        }
        return try filtered(postfixed(primary()))
    }

    private mutating func primary() throws(ChatTemplateError) -> TemplateExpression {
        guard index < tokens.count else { throw failure("an expression is missing") }
        let token = tokens[index]
        index += 1
        func literal(_ value: TemplateValue) -> TemplateExpression {
            made(.literal(value), token.line)
        }
        switch token.kind {
        case .integer(let number): return literal(.integer(number))
        case .float(let number): return literal(.float(number))
        case .string(var text):
            // Strings beside each other are one.
            while index < tokens.count, case .string(let next) = tokens[index].kind {
                text += next
                index += 1
            }
            return literal(.string(text))
        case .name("true"), .name("True"): return literal(.bool(true))
        case .name("false"), .name("False"): return literal(.bool(false))
        case .name("none"), .name("None"): return literal(.null)
        case .name(let name): return made(.name(name), token.line)
        case .symbol("["): return made(.list(try elements(until: "]")), token.line)
        case .symbol("{"): return made(.dictionary(try members()), token.line)
        case .symbol("("):
            let first = try expression()
            if takes(symbol: ")") { return first }
            try require(",")
            return made(.list([first] + (try elements(until: ")"))), token.line)
        case .symbol:
            index -= 1
            throw failure("unexpected \(token.text)")
        }
    }

    private mutating func elements(
        until end: String
    ) throws(ChatTemplateError) -> [TemplateExpression] {
        var elements: [TemplateExpression] = []
        while !takes(symbol: end) {
            elements.append(try expression())
            if takes(symbol: end) { break }
            try require(",")
        }
        return elements
    }

    private mutating func members() throws(ChatTemplateError) -> [(
        key: TemplateExpression, value: TemplateExpression
    )] {
        var members: [(key: TemplateExpression, value: TemplateExpression)] = []
        while !takes(symbol: "}") {
            let key = try expression()
            try require(":")
            members.append((key, try expression()))
            if takes(symbol: "}") { break }
            try require(",")
        }
        return members
    }

    private mutating func postfixed(
        _ start: TemplateExpression
    ) throws(ChatTemplateError) -> TemplateExpression {
        var value = start
        while true {
            if takes(symbol: ".") {
                if index < tokens.count, case .integer(let number) = tokens[index].kind {
                    index += 1
                    value = try chained(
                        .member(value, made(.literal(.integer(number)), line)),
                        line
                    )
                    continue
                }
                let (name, line) = try word()
                if takes(symbol: "(") {
                    value = try chained(.method(value, name, try arguments()), line)
                } else {
                    value = try chained(.attribute(value, name), line)
                }
            } else if takes(symbol: "[") {
                value = try subscripted(value)
            } else if takes(symbol: "(") {
                guard case .name(let name) = value.kind else {
                    throw .unsupported(line: line, construct: "calling a value")
                }
                value = made(.function(name, try arguments()), value.line)
            } else {
                return value
            }
        }
    }

    private mutating func subscripted(
        _ value: TemplateExpression
    ) throws(ChatTemplateError) -> TemplateExpression {
        let line = line
        func isNext(_ symbol: String) -> Bool {
            index < tokens.count && tokens[index].kind == .symbol(symbol)
        }
        let first = isNext(":") ? nil : try expression()
        guard takes(symbol: ":") else {
            try require("]")
            guard let first else { throw failure("an index is missing") }
            return try chained(.member(value, first), line)
        }
        let end = isNext(":") || isNext("]") ? nil : try expression()
        let step = takes(symbol: ":") && !isNext("]") ? try expression() : nil
        try require("]")
        return try chained(.slice(value, from: first, to: end, step: step), line)
    }

    private mutating func arguments() throws(ChatTemplateError) -> TemplateArguments {
        var arguments = TemplateArguments()
        while !takes(symbol: ")") {
            if index + 1 < tokens.count, case .name(let name) = tokens[index].kind,
                tokens[index + 1].kind == .symbol("=")
            {
                index += 2
                arguments.named.append((name, try expression()))
            } else {
                arguments.positional.append(try expression())
            }
            if takes(symbol: ")") { break }
            try require(",")
        }
        return arguments
    }

    /// Filters and tests, which bind tighter than all operators.
    private mutating func filtered(
        _ start: TemplateExpression
    ) throws(ChatTemplateError) -> TemplateExpression {
        var value = start
        while true {
            if takes(symbol: "|") {
                let (name, line) = try word()
                let arguments = takes(symbol: "(") ? try arguments() : TemplateArguments()
                value = try chained(.filter(value, name, arguments), line)
            } else if takes(word: "is") {
                value = try tested(value)
            } else {
                return value
            }
        }
    }

    private mutating func tested(
        _ value: TemplateExpression
    ) throws(ChatTemplateError) -> TemplateExpression {
        let isNegated = takes(word: "not")
        let (name, line) = try word()
        var arguments = TemplateArguments()
        if takes(symbol: "(") {
            arguments = try self.arguments()
        } else if startsArgument() {
            arguments.positional = [try postfixed(primary())]
        }
        let test = try chained(.test(value, name, arguments), line)
        return isNegated ? made(.not(test), line) : test
    }

    /// Whether a test's argument follows, which needs no parentheses.
    private func startsArgument() -> Bool {
        guard index < tokens.count else { return false }
        switch tokens[index].kind {
        case .string, .integer, .float, .symbol("["), .symbol("{"): return true
        case .name(let name): return !["else", "or", "and", "is", "if", "in", "not"].contains(name)
        case .symbol: return false
        }
    }
}

extension TemplateLexer.Token {
    /// The token as it is written, for messages.
    fileprivate var text: String {
        switch kind {
        case .name(let name): name
        case .string(let text): "'\(text)'"
        case .integer(let number): "\(number)"
        case .float(let number): "\(number)"
        case .symbol(let symbol): symbol
        }
    }
}

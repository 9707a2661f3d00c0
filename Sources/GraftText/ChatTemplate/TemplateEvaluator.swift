/// Runs the statements of a chat template.
///
/// Loops have a scope of their own for each element, so that a name set inside is forgotten; a `namespace` is not.
///
/// Reference: Jinja 3.1 in the sandbox of `transformers` (`chat_template_utils.py`).
struct TemplateEvaluator {
    /// What a statement asks the loop around it to do.
    private enum Flow {
        case proceed, leave, next
    }

    private(set) var output = ""

    /// The functions of the template's surroundings.
    let clock: TemplateClock

    private var scopes: [[String: TemplateValue]]
    private var namespaces: [[String: TemplateValue]] = []

    /// Where in the template the rendering is, for messages.
    private var line = 1

    /// The functions that a template may call.
    private static let functions: Set = [
        "raise_exception", "namespace", "dict", "range", "strftime_now",
    ]

    init(_ variables: [String: TemplateValue], clock: TemplateClock) {
        scopes = [variables]
        self.clock = clock
    }

    mutating func run(_ statements: [TemplateStatement]) throws(ChatTemplateError) {
        _ = try flow(statements)
    }

    private mutating func flow(_ statements: [TemplateStatement]) throws(ChatTemplateError) -> Flow
    {
        for statement in statements {
            switch statement {
            case .text(let text): try write(text)
            case .output(let expression):
                line = expression.line
                try write(try value(of: expression).text)
            case .assignment(let target, let expression):
                try assign(try value(of: expression), to: target)
            case .capture(let target, let body):
                let before = output
                output = ""
                let flow = try scoped(body)
                let text = output
                output = before
                guard case .proceed = flow else { return flow }
                try assign(.string(text), to: target)
            case .scope(let body):
                let flow = try scoped(body)
                guard case .proceed = flow else { return flow }
            case .conditional(let branches, let otherwise):
                var body = otherwise
                for branch in branches where try value(of: branch.test).isTrue {
                    body = branch.body
                    break
                }
                let flow = try flow(body)
                guard case .proceed = flow else { return flow }
            case .loop(let loop):
                let flow = try run(loop)
                guard case .proceed = flow else { return flow }
            case .break: return .leave
            case .continue: return .next
            }
        }
        return .proceed
    }

    private mutating func write(_ text: String) throws(ChatTemplateError) {
        output += text
        guard output.utf8.count <= TemplateOperations.textLimit else {
            throw .evaluation(line: line, problem: "the text is too long")
        }
    }

    /// Runs statements whose names are forgotten afterwards.
    private mutating func scoped(
        _ statements: [TemplateStatement]
    ) throws(ChatTemplateError) -> Flow {
        scopes.append([:])
        defer { scopes.removeLast() }
        return try flow(statements)
    }

    /// Runs a loop; what its `else` asks for is asked of the loop around it.
    private mutating func run(_ loop: TemplateLoop) throws(ChatTemplateError) -> Flow {
        line = loop.sequence.line
        var elements = try TemplateOperations.elements(of: try value(of: loop.sequence), line)
        if let filter = loop.filter {
            var kept: [TemplateValue] = []
            for element in elements {
                scopes.append(try bound(loop.names, to: element, line))
                if try value(of: filter).isTrue { kept.append(element) }
                scopes.removeLast()
            }
            elements = kept
        }
        if elements.isEmpty { return try scoped(loop.otherwise) }
        for (index, element) in elements.enumerated() {
            var scope = try bound(loop.names, to: element, line)
            scope["loop"] = .object([
                ("index", .integer(index + 1)), ("index0", .integer(index)),
                ("revindex", .integer(elements.count - index)),
                ("revindex0", .integer(elements.count - index - 1)),
                ("first", .bool(index == 0)), ("last", .bool(index + 1 == elements.count)),
                ("length", .integer(elements.count)),
                ("depth", .integer(1)), ("depth0", .integer(0)),
                ("previtem", index > 0 ? elements[index - 1] : .undefined),
                ("nextitem", index + 1 < elements.count ? elements[index + 1] : .undefined),
            ])
            scopes.append(scope)
            let flow = try flow(loop.body)
            scopes.removeLast()
            if case .leave = flow { break }
        }
        return .proceed
    }

    private func bound(
        _ names: [String],
        to element: TemplateValue,
        _ line: Int
    ) throws(ChatTemplateError) -> [String: TemplateValue] {
        guard names.count > 1 else { return [names[0]: element] }
        guard case .array(let parts) = element, parts.count == names.count else {
            throw .evaluation(
                line: line,
                problem: "a loop over \(names.count) names needs as many values, found "
                    + element.kind
            )
        }
        return Dictionary(zip(names, parts)) { _, last in last }
    }

    private mutating func assign(
        _ value: TemplateValue,
        to target: TemplateTarget
    ) throws(ChatTemplateError) {
        switch target {
        case .name(let name): scopes[scopes.count - 1][name] = value
        case .member(let name, let member, let line):
            guard case .namespace(let index)? = lookUp(name) else {
                throw .evaluation(
                    line: line,
                    problem: "\(name).\(member) cannot be set: \(name) is no namespace"
                )
            }
            namespaces[index][member] = value
        }
    }

    private func lookUp(_ name: String) -> TemplateValue? {
        for scope in scopes.reversed() {
            if let value = scope[name] { return value }
        }
        return nil
    }

    /// Whether a name is one of a function that nothing hides.
    private func isFunction(_ name: String) -> Bool {
        Self.functions.contains(name) && lookUp(name) == nil
    }

    private mutating func values(
        of expressions: [TemplateExpression]
    ) throws(ChatTemplateError) -> [TemplateValue] {
        var values: [TemplateValue] = []
        for expression in expressions { values.append(try value(of: expression)) }
        return values
    }

    private mutating func call(
        _ arguments: TemplateArguments,
        _ name: String,
        _ line: Int
    ) throws(ChatTemplateError) -> TemplateCall {
        var named: [(name: String, value: TemplateValue)] = []
        for argument in arguments.named {
            named.append((argument.name, try value(of: argument.value)))
        }
        return TemplateCall(
            name: name,
            positional: try values(of: arguments.positional),
            named: named,
            line: line
        )
    }

    mutating func value(
        of expression: TemplateExpression
    ) throws(ChatTemplateError) -> TemplateValue {
        let line = expression.line
        switch expression.kind {
        case .literal(let value): return value
        case .name(let name):
            guard !isFunction(name) else {
                throw .unsupported(line: line, construct: "\(name) without a call")
            }
            return lookUp(name) ?? .undefined
        case .list(let elements): return .array(try values(of: elements))
        case .dictionary(let members):
            var pairs: [(name: String, value: TemplateValue)] = []
            for member in members {
                guard case .string(let name) = try value(of: member.key) else {
                    throw .unsupported(line: line, construct: "a key that is no string")
                }
                pairs.append((name, try value(of: member.value)))
            }
            return .object(pairs)
        case .member(let base, let key):
            let (base, key) = (try value(of: base), try value(of: key))
            if case .namespace(let index) = base, case .string(let name) = key {
                return namespaces[index][name] ?? .undefined
            }
            return try TemplateOperations.member(key, of: base, line)
        case .attribute(let base, let name):
            let base = try value(of: base)
            if case .namespace(let index) = base { return namespaces[index][name] ?? .undefined }
            if case .object = base, TemplateMethods.namesOfDictionaries.contains(name) {
                throw .unsupported(
                    line: line,
                    construct: "\(name) of a dictionary without a call (its member is ['\(name)'])"
                )
            }
            return try TemplateOperations.member(.string(name), of: base, line)
        case .slice(let base, let from, let to, let step):
            var bounds: [Int?] = []
            for bound in [from, to, step] {
                guard let bound else {
                    bounds.append(nil)
                    continue
                }
                switch try value(of: bound) {
                case .integer(let number): bounds.append(number)
                case .null: bounds.append(nil)
                case let other:
                    throw .evaluation(line: line, problem: "\(other.kind) is no place to cut at")
                }
            }
            let base = try value(of: base)
            return try TemplateOperations.slice(base, bounds[0], bounds[1], bounds[2] ?? 1, line)
        case .function(let name, let arguments):
            return try function(try call(arguments, name, line))
        case .method(let base, let name, let arguments):
            let base = try value(of: base)
            return try TemplateMethods.call(try call(arguments, name, line), on: base)
        case .filter(let base, let name, let arguments):
            let base = try value(of: base)
            return try TemplateFilters.apply(try call(arguments, name, line), to: base)
        case .test(let base, let name, let arguments):
            if case .name(let function) = base.kind, isFunction(function),
                name == "defined" || name == "undefined"
            {
                return .bool(name == "defined")
            }
            let base = try value(of: base)
            return .bool(try TemplateTests.holds(try call(arguments, name, line), for: base))
        case .not(let operand): return .bool(!(try value(of: operand).isTrue))
        case .negative(let operand):
            switch try value(of: operand) {
            case .float(let number): return .float(-number)
            case let other where other.number != nil:
                return try TemplateOperations.binary(.integer(0), "-", other, line)
            case let other:
                throw .evaluation(line: line, problem: "\(other.kind) has no negative")
            }
        case .binary(let left, "and", let right):
            let left = try value(of: left)
            return left.isTrue ? try value(of: right) : left
        case .binary(let left, "or", let right):
            let left = try value(of: left)
            return left.isTrue ? left : try value(of: right)
        case .binary(let left, let symbol, let right):
            let (left, right) = (try value(of: left), try value(of: right))
            return try TemplateOperations.binary(left, symbol, right, line)
        case .conditional(let then, let test, let otherwise):
            if try value(of: test).isTrue { return try value(of: then) }
            return try otherwise.map { (other) throws(ChatTemplateError) in
                try value(of: other)
            } ?? .undefined
        }
    }

    private mutating func function(_ call: TemplateCall) throws(ChatTemplateError) -> TemplateValue
    {
        switch call.name {
        case "raise_exception":
            try call.takes(["message"])
            throw .raised(message: try call.argument(0, "message").text)
        case "namespace":
            let members = try TemplateOperations.members(call)
            namespaces.append(
                Dictionary(members.map { ($0.name, $0.value) }) { _, last in last }
            )
            return .namespace(namespaces.count - 1)
        case "dict": return .object(try TemplateOperations.members(call))
        case "range": return .array(try TemplateOperations.range(call))
        case "strftime_now":
            try call.takes(["format"])
            guard case .string(let format) = try call.argument(0, "format") else {
                throw .evaluation(line: call.line, problem: "strftime_now needs a format")
            }
            return .string(try clock.formatted(format, line: call.line))
        default:
            throw .unsupported(line: call.line, construct: "the function \(call.name)")
        }
    }
}

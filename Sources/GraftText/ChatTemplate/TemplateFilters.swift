/// The filters that chat templates use.
///
/// Reference: `filters.py` of Jinja 3.1, `tojson` of `chat_template_utils.py` in `transformers`.
enum TemplateFilters {
    /// The arguments that each filter takes; those that are missing here look for themselves.
    private static let parameters: [String: [String]] = [
        "trim": ["chars"], "upper": [], "lower": [], "capitalize": [], "string": [],
        "replace": ["old", "new"], "default": ["default_value", "boolean"],
        "d": ["default_value", "boolean"], "length": [], "count": [], "int": ["default"],
        "items": [], "list": [], "first": [], "last": [], "reverse": [],
        "join": ["d", "attribute"],
    ]

    static func apply(
        _ call: TemplateCall,
        to base: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        if let names = parameters[call.name] { try call.takes(names) }
        switch call.name {
        case "trim":
            return .string(base.text.stripped(try call.characters(), left: true, right: true))
        case "upper": return .string(base.text.uppercased())
        case "lower": return .string(base.text.lowercased())
        case "capitalize": return .string(base.text.capitalizedOnce)
        case "string": return .string(base.text)
        case "replace":
            let (old, new) = (try call.string(0, "old"), try call.string(1, "new"))
            return .string(try base.text.replacingBytes(old, with: new, call))
        case "tojson": return try json(call, base)
        case "default", "d":
            let other = call.optional(0, "default_value") ?? .string("")
            let isLoose = call.optional(1, "boolean")?.isTrue ?? false
            if case .undefined = base { return other }
            return isLoose && !base.isTrue ? other : base
        case "length", "count": return .integer(try length(call, base))
        case "int":
            if let number = base.integer { return .integer(number) }
            let text = base.text.stripped(left: true, right: true)
            if let number = Int(text) { return .integer(number) }
            return (base.number ?? Double(text)).flatMap { Int(exactly: $0.rounded(.towardZero)) }
                .map { .integer($0) } ?? call.optional(0, "default") ?? .integer(0)
        case "items":
            guard case .object(let members) = base else {
                throw call.failure("items of \(base.kind)")
            }
            return .array(members.map { .array([.string($0.name), $0.value]) })
        default: return try list(call, base)
        }
    }

    /// The filters of lists.
    private static func list(
        _ call: TemplateCall,
        _ base: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        let elements = { () throws(ChatTemplateError) in
            try TemplateOperations.elements(of: base, call.line)
        }
        switch call.name {
        case "list": return .array(try elements())
        case "first": return try elements().first ?? .undefined
        case "last": return try elements().last ?? .undefined
        case "reverse":
            if case .string(let text) = base {
                var reversed = String.UnicodeScalarView()
                reversed.append(contentsOf: text.unicodeScalars.reversed())
                return .string(String(reversed))
            }
            return .array(try elements().reversed())
        case "join":
            let separator = call.optional(0, "d")?.text ?? ""
            var parts = try elements()
            if let attribute = call.optional(1, "attribute") {
                for index in parts.indices {
                    parts[index] = try TemplateOperations.attribute(
                        attribute,
                        of: parts[index],
                        call.line
                    )
                }
            }
            return .string(parts.map(\.text).joined(separator: separator))
        case "map": return .array(try mapped(call, try elements()))
        case "selectattr": return .array(try selected(call, try elements(), attribute: true) { $0 })
        case "rejectattr":
            return .array(try selected(call, try elements(), attribute: true) { !$0 })
        case "select": return .array(try selected(call, try elements(), attribute: false) { $0 })
        case "reject": return .array(try selected(call, try elements(), attribute: false) { !$0 })
        default: throw .unsupported(line: call.line, construct: "the filter \(call.name)")
        }
    }

    private static func mapped(
        _ call: TemplateCall,
        _ elements: [TemplateValue]
    ) throws(ChatTemplateError) -> [TemplateValue] {
        var results: [TemplateValue] = []
        if let attribute = call.named.first(where: { $0.name == "attribute" })?.value {
            let other = call.named.first { $0.name == "default" }?.value
            guard call.positional.isEmpty, call.named.count == (other == nil ? 1 : 2) else {
                throw .unsupported(line: call.line, construct: "map with these arguments")
            }
            for element in elements {
                results.append(
                    try TemplateOperations.attribute(
                        attribute,
                        of: element,
                        default: other,
                        call.line
                    )
                )
            }
            return results
        }
        let inner = TemplateCall(
            name: try call.string(0, "filter"),
            positional: Array(call.positional.dropFirst()),
            named: call.named,
            line: call.line
        )
        for element in elements { results.append(try apply(inner, to: element)) }
        return results
    }

    private static func selected(
        _ call: TemplateCall,
        _ elements: [TemplateValue],
        attribute: Bool,
        _ keeps: (Bool) -> Bool
    ) throws(ChatTemplateError) -> [TemplateValue] {
        var rest = call.positional[...]
        var name: TemplateValue?
        if attribute {
            name = try call.argument(0, "attribute")
            rest = rest.dropFirst()
        }
        var test: TemplateCall?
        if let first = rest.first {
            test = TemplateCall(
                name: first.text,
                positional: Array(rest.dropFirst()),
                named: call.named,
                line: call.line
            )
        }
        var kept: [TemplateValue] = []
        for element in elements {
            let value =
                try name.map { (name) throws(ChatTemplateError) in
                    try TemplateOperations.attribute(name, of: element, call.line)
                } ?? element
            let holds =
                try test.map { (test) throws(ChatTemplateError) in
                    try TemplateTests.holds(test, for: value)
                } ?? value.isTrue
            if keeps(holds) { kept.append(element) }
        }
        return kept
    }

    private static func length(
        _ call: TemplateCall,
        _ base: TemplateValue
    ) throws(ChatTemplateError) -> Int {
        switch base {
        case .string(let text): return text.unicodeScalars.count
        case .array(let elements): return elements.count
        case .object(let members): return members.count
        case .undefined: return 0
        default: throw call.failure("\(base.kind) has no length")
        }
    }

    private static func json(
        _ call: TemplateCall,
        _ base: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        var indent: Int?
        for (name, value) in call.named {
            switch (name, value) {
            case ("indent", .integer(let number)) where (0...64).contains(number): indent = number
            case ("indent", .null), ("ensure_ascii", .bool(false)): break
            default: throw .unsupported(line: call.line, construct: "tojson with \(name)")
            }
        }
        guard call.positional.isEmpty else {
            throw .unsupported(line: call.line, construct: "tojson with arguments without a name")
        }
        guard let text = base.json(indent: indent) else {
            throw call.failure("\(base.kind) has no JSON")
        }
        return .string(text)
    }
}

extension TemplateCall {
    /// The characters that a filter takes away, `nil` for white space.
    fileprivate func characters() throws(ChatTemplateError) -> String? {
        guard let value = optional(0, "chars") else { return nil }
        if case .null = value { return nil }
        return try string(0, "chars")
    }
}

/// The tests that chat templates use.
///
/// Reference: `tests.py` of Jinja 3.1.
enum TemplateTests {
    static func holds(
        _ call: TemplateCall,
        for value: TemplateValue
    ) throws(ChatTemplateError) -> Bool {
        let isBinary = ["equalto", "eq", "==", "sameas", "ne", "!=", "in"].contains(call.name)
        try call.takes(isBinary ? ["other"] : [])
        switch (call.name, value) {
        case ("defined", .undefined): return false
        case ("defined", _): return true
        case ("undefined", .undefined): return true
        case ("undefined", _): return false
        case ("none", .null): return true
        case ("string", .string), ("mapping", .object), ("boolean", .bool): return true
        case ("integer", .integer), ("float", .float): return true
        case ("number", .integer), ("number", .float), ("number", .bool): return true
        case ("iterable", .array), ("iterable", .object), ("iterable", .string),
            ("iterable", .undefined):
            return true
        case ("sequence", .array), ("sequence", .object), ("sequence", .string),
            ("sequence", .undefined):
            return true
        case ("true", .bool(let flag)): return flag
        case ("false", .bool(let flag)): return !flag
        case ("odd", .integer(let number)): return number % 2 != 0
        case ("even", .integer(let number)): return number % 2 == 0
        case ("none", _), ("string", _), ("mapping", _), ("boolean", _), ("integer", _),
            ("float", _), ("number", _), ("iterable", _), ("sequence", _), ("true", _),
            ("false", _):
            return false
        case ("equalto", _), ("eq", _), ("==", _):
            return TemplateValue.areEqual(value, try call.argument(0, "other"))
        case ("sameas", _):
            let other = try call.argument(0, "other")
            switch (value, other) {
            case (.null, _), (.bool, _), (_, .null), (_, .bool):
                return value.kind == other.kind && TemplateValue.areEqual(value, other)
            default:
                // What is one object in Python depends on where it was made.
                throw .unsupported(line: call.line, construct: "sameas \(other.kind)")
            }
        case ("ne", _), ("!=", _):
            return !TemplateValue.areEqual(value, try call.argument(0, "other"))
        case ("in", _):
            let container = try call.argument(0, "other")
            return try TemplateOperations.contains(container, value, call.line)
        default: throw .unsupported(line: call.line, construct: "the test \(call.name)")
        }
    }
}

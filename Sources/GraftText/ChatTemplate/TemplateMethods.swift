/// The methods of strings and dictionaries, as Python has them.
enum TemplateMethods {
    /// The methods of Python's dictionaries, which come before members of the same name.
    static let namesOfDictionaries: Set = [
        "clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault",
        "update", "values",
    ]

    /// The arguments that each method of a dictionary takes.
    private static let ofDictionaries: [String: [String]] = [
        "items": [], "keys": [], "values": [], "get": ["key", "default"],
    ]

    /// The arguments that each method of a string takes.
    private static let ofStrings: [String: [String]] = [
        "strip": ["sep"], "lstrip": ["sep"], "rstrip": ["sep"], "upper": [], "lower": [],
        "title": [], "capitalize": [], "startswith": ["prefix"], "endswith": ["suffix"],
        "replace": ["old", "new"], "split": ["sep"], "join": ["parts"],
    ]

    static func call(
        _ call: TemplateCall,
        on base: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        switch base {
        case .string(let text):
            if let value = try string(call, text) { return value }
        case .object(let members):
            if let names = ofDictionaries[call.name] { try call.takes(names) }
            switch call.name {
            case "items":
                return .array(members.map { .array([.string($0.name), $0.value]) })
            case "keys": return .array(members.map { .string($0.name) })
            case "values": return .array(members.map(\.value))
            case "get":
                let name = try call.string(0, "key")
                return base.member(name) ?? call.optional(1, "default") ?? .null
            default: break
            }
        case .undefined:
            throw call.failure("\(call.name) of an undefined value")
        default: break
        }
        throw .unsupported(line: call.line, construct: "the method \(call.name) of \(base.kind)")
    }

    private static func string(
        _ call: TemplateCall,
        _ text: String
    ) throws(ChatTemplateError) -> TemplateValue? {
        if let names = ofStrings[call.name] { try call.takes(names) }
        switch call.name {
        case "strip": return .string(text.stripped(try set(call), left: true, right: true))
        case "lstrip": return .string(text.stripped(try set(call), left: true, right: false))
        case "rstrip": return .string(text.stripped(try set(call), left: false, right: true))
        case "upper": return .string(text.uppercased())
        case "lower": return .string(text.lowercased())
        case "title": return .string(text.titled)
        case "capitalize": return .string(text.capitalizedOnce)
        case "startswith":
            return .bool(text.utf8.starts(with: try call.string(0, "prefix").utf8))
        case "endswith":
            let suffix = try call.string(0, "suffix").utf8
            return .bool(text.utf8.suffix(suffix.count).elementsEqual(suffix))
        case "replace":
            let (old, new) = (try call.string(0, "old"), try call.string(1, "new"))
            return .string(try text.replacingBytes(old, with: new, call))
        case "split":
            let parts =
                try set(call).map { text.split(at: $0) } ?? text.splitAtSpaces()
            return .array(parts.map { .string($0) })
        case "join":
            let parts = try TemplateOperations.elements(
                of: try call.argument(0, "parts"),
                call.line
            )
            return .string(parts.map(\.text).joined(separator: text))
        default: return nil
        }
    }

    /// The characters to strip, or the separator: `nil` for white space.
    private static func set(_ call: TemplateCall) throws(ChatTemplateError) -> String? {
        switch call.optional(0, "sep") ?? .null {
        case .null: return nil
        default: return try call.string(0, "sep")
        }
    }
}

extension String {
    /// This text without the characters of `set`, or white space, at its ends.
    func stripped(_ set: String? = nil, left: Bool, right: Bool) -> String {
        let characters = set.map { Array($0.unicodeScalars) }
        func goes(_ scalar: Unicode.Scalar) -> Bool {
            characters?.contains(scalar) ?? scalar.isPythonSpace
        }
        var rest = Substring(self).unicodeScalars
        while left, let first = rest.first, goes(first) { rest.removeFirst() }
        while right, let last = rest.last, goes(last) { rest.removeLast() }
        return String(rest)
    }

    /// Every word with a capital letter.
    fileprivate var titled: String {
        var result = ""
        var startsWord = true
        for scalar in unicodeScalars {
            let properties = scalar.properties
            result += startsWord ? properties.titlecaseMapping : properties.lowercaseMapping
            startsWord = !properties.isCased
        }
        return result
    }

    /// The first letter large, all others small.
    var capitalizedOnce: String {
        guard let first = unicodeScalars.first else { return self }
        let rest = String(Substring(self).unicodeScalars.dropFirst())
        return first.properties.titlecaseMapping + rest.lowercased()
    }

    /// This text with other bytes in place of some, in a call that may make it too long.
    func replacingBytes(
        _ old: String,
        with new: String,
        _ call: TemplateCall
    ) throws(ChatTemplateError) -> String {
        let (own, pattern) = (Array(utf8), Array(old.utf8))
        let count = old.isEmpty ? unicodeScalars.count + 1 : own.ranges(of: pattern).count
        let (added, overflow) = count.multipliedReportingOverflow(by: new.utf8.count)
        guard !overflow, own.count + added <= TemplateOperations.textLimit else {
            throw call.failure("a text too long")
        }
        if old.isEmpty {
            return new + unicodeScalars.map { String($0) + new }.joined()
        }
        return String(decoding: own.replacing(pattern, with: Array(new.utf8)), as: UTF8.self)
    }

    fileprivate func split(at separator: String) -> [String] {
        let (bytes, pattern) = (Array(utf8), Array(separator.utf8))
        guard !pattern.isEmpty else { return [self] }
        var parts: [String] = []
        var (start, index) = (0, 0)
        while index + pattern.count <= bytes.count {
            if bytes[index...].starts(with: pattern) {
                parts.append(String(decoding: bytes[start..<index], as: UTF8.self))
                index += pattern.count
                start = index
            } else {
                index += 1
            }
        }
        return parts + [String(decoding: bytes[start...], as: UTF8.self)]
    }

    fileprivate func splitAtSpaces() -> [String] {
        unicodeScalars.split(whereSeparator: \.isPythonSpace).map { String($0) }
    }
}

internal import Foundation
internal import GraftLayers

/// The adapter methods that Graft knows, by the names that users type and that files carry.
public struct AdapterRegistry: Sendable {
    /// The methods in the order in which help lists them.
    public let methods: [any AdapterMethod.Type]

    /// Everything that comes with Graft.
    public static let builtin = AdapterRegistry(methods: [
        Bottleneck.self,
        LoRA.self,
        AdaLoRA.self,
        IA3.self,
        VeRA.self,
        BitFit.self,
        LayerNormTuning.self,
        PrefixTuning.self,
        PromptTuning.self,
        PTuning.self,
        ReFT.self,
        Union.self,
        Composed.self,
        HeadOnly.self,
        FullFineTuning.self,
    ])

    /// All names that ``method(named:)`` accepts.
    public var names: [String] { methods.flatMap { names(of: $0) } }

    /// Reads a method as users write it: a name, and settings in brackets; or several with `|`
    /// between them, which then act together.
    ///
    /// ```
    /// double_seq_bn
    /// seq_bn[reduction_factor=8,non_linearity=gelu]
    /// double_seq_bn[reduction_factor={"1":8,"default":16},leave_out=[0,1]]
    /// prefix_tuning[bottleneck_size=800]|par_bn
    /// ```
    ///
    /// - Throws: `ConfigurationError` naming an unknown method or setting, with the nearest known
    ///   name.
    public func method(named text: String) throws -> any AdapterMethod {
        let members = MethodExpression.pieces(of: text[...], separator: "|")
        guard members.count > 1 else { return try single(text) }
        return try Union(
            members.map { try single($0.trimmingCharacters(in: .whitespaces)) }
        )
    }

    /// Splits a list of methods with commas between them: each part is one for ``method(named:)``.
    package static func expressions(in list: String) -> [String] {
        MethodExpression.pieces(of: list[...], separator: ",")
            .map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private func single(_ text: String) throws -> any AdapterMethod {
        let parsed = try MethodExpression(text)
        for method in methods {
            if let found = try preset(parsed, of: method) { return found }
        }
        let near = names.nearest(to: parsed.name).map { "did you mean '\($0)'?" }
        let brackets =
            parsed.name.contains("(") ? "settings stand in brackets: name[key=value]" : nil
        let hint = brackets ?? near ?? "known: " + names.joined(separator: ", ")
        throw ConfigurationError(
            field: "method",
            problem: "unknown method '\(parsed.name)' (\(hint))"
        )
    }

    /// Finds the type of a stored method.
    ///
    /// - Throws: `ConfigurationError` if the name is unknown.
    public func type(identifier: String) throws -> any AdapterMethod.Type {
        if let method = methods.first(where: { $0.identifier == identifier }) { return method }
        let known = methods.map { $0.identifier }.joined(separator: ", ")
        throw ConfigurationError(
            field: "method",
            problem: "unknown method '\(identifier)' (known: \(known))"
        )
    }

    private func names<Method: AdapterMethod>(of type: Method.Type) -> [String] {
        type.presets.map(\.key)
    }

    private func preset<Method: AdapterMethod>(
        _ expression: MethodExpression,
        of type: Method.Type
    ) throws -> Method? {
        guard let preset = type.presets.first(where: { $0.key == expression.name }) else {
            return nil
        }
        return try expression.applied(to: preset.value)
    }
}

/// A method's name and settings as typed: `name[key=value,...]`.
struct MethodExpression {
    let text: String
    let name: String
    /// Setting names with values as `JSONSerialization` knows them.
    let settings: [(String, Any)]

    init(_ text: String) throws(ConfigurationError) {
        self.text = text
        guard let open = text.firstIndex(of: "[") else {
            name = text
            settings = []
            return
        }
        guard text.hasSuffix("]") else {
            throw ConfigurationError(
                field: "method",
                problem: "'\(text)' has no closing bracket (hint: name[setting=value,...])"
            )
        }
        name = text[..<open].trimmingCharacters(in: .whitespacesAndNewlines)
        let inner = text[text.index(after: open)..<text.index(before: text.endIndex)]
        settings = try MethodExpression.pieces(of: inner, separator: ",").filter {
            !$0.allSatisfy(\.isWhitespace)
        }
        .map { piece throws(ConfigurationError) in
            guard let equals = piece.firstIndex(of: "=") else {
                throw ConfigurationError(
                    field: "method",
                    problem: "'\(piece)' is not of the form setting=value"
                )
            }
            let (before, after) = (piece[..<equals], piece[piece.index(after: equals)...])
            let key = before.trimmingCharacters(in: .whitespacesAndNewlines)
            let value = after.trimmingCharacters(in: .whitespacesAndNewlines)
            return (key, MethodExpression.value(value))
        }
        let names = settings.map(\.0)
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw ConfigurationError(field: "method", problem: "'\(text)' sets '\(twice)' twice")
        }
    }

    /// A preset with the settings of this expression instead of its own.
    ///
    /// - Throws: `ConfigurationError` naming an unknown setting, with the nearest known name.
    func applied<Preset: Codable>(to preset: Preset) throws -> Preset {
        guard !settings.isEmpty else { return preset }
        let encoded = try JSONEncoder().encode(preset)
        var fields = try JSONSerialization.jsonObject(with: encoded) as? [String: Any] ?? [:]
        for (name, value) in settings { fields[name] = value }
        let data = try JSONSerialization.data(withJSONObject: fields)
        return try ConfigurationFile(data, path: text).decode(Preset.self)
    }

    /// Splits at the separators that no bracket or quote encloses.
    static func pieces(of text: Substring, separator: Character) -> [Substring] {
        var pieces: [Substring] = []
        var (start, depth, isQuoted) = (text.startIndex, 0, false)
        for index in text.indices {
            switch text[index] {
            case "\"": isQuoted.toggle()
            case "[", "{", "(": depth += 1
            case "]", "}", ")": depth -= 1
            case separator where depth == 0 && !isQuoted:
                pieces.append(text[start..<index])
                start = text.index(after: index)
            default: break
            }
        }
        return pieces + [text[start...]]
    }

    /// A JSON value if the text is one, or a list of such; the text itself otherwise, so that names need no
    /// quotes.
    private static func value(_ text: String) -> Any {
        let data = Data(text.utf8)
        if let value = try? JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed) {
            return value
        }
        guard text.hasPrefix("["), text.hasSuffix("]") else { return text }
        return pieces(of: text.dropFirst().dropLast(), separator: ",").map {
            value($0.trimmingCharacters(in: .whitespaces))
        }
    }
}

extension TokenizerFile {
    /// The section `pre_tokenizer`.
    ///
    /// - Returns: The steps, and whether the model sees bytes.
    func preTokenizers() throws(TokenizerError) -> (steps: [any PreTokenizer], isByteLevel: Bool) {
        let section = try root.member("pre_tokenizer")
        guard !section.isNull else { return ([], false) }
        var isByteLevel = false
        let steps = try Self.preTokenizers(section, &isByteLevel)
        return (steps, isByteLevel)
    }

    private static let preTokenizerNames = [
        "ByteLevel", "Split", "Metaspace", "WhitespaceSplit", "Sequence", "null",
    ]

    private static func preTokenizers(
        _ section: JSONField,
        _ isByteLevel: inout Bool
    ) throws(TokenizerError) -> [any PreTokenizer] {
        // Bytes are spelt as letters inside the model, so that nothing can look at the letters.
        guard !isByteLevel else { throw section.invalid("nothing can follow ByteLevel") }
        let type = try section.member("type")
        switch try type.string() {
        case "Sequence":
            _ = try section.members(allowed: ["type", "pretokenizers"])
            var steps: [any PreTokenizer] = []
            for step in try section.member("pretokenizers").elements() {
                steps += try preTokenizers(step, &isByteLevel)
            }
            return steps
        case "ByteLevel":
            isByteLevel = true
            let settings = try ByteLevelSettings(section)
            return (settings.addsPrefixSpace ? [ByteLevelPrefix()] : [])
                + (settings.usesPattern ? [PatternSplit(pattern: .gpt2)] : [])
        case "Split":
            return [PatternSplit(pattern: try splitPattern(section))]
        case "Metaspace":
            let settings = try MetaspaceSettings(section)
            return [
                Metaspace(
                    replacement: settings.replacement,
                    scheme: settings.scheme,
                    splits: settings.splits
                )
            ]
        case "WhitespaceSplit":
            _ = try section.members(allowed: ["type"])
            return [WhitespaceSplit()]
        case let name:
            throw type.unsupported(name, supported: preTokenizerNames)
        }
    }

    private static func splitPattern(_ section: JSONField) throws(TokenizerError) -> SplitPattern {
        _ = try section.members(allowed: ["type", "pattern", "behavior", "invert"])
        let field = try section.member("pattern")
        _ = try field.members(allowed: ["Regex"])
        let expression = try field.member("Regex").string()
        guard let pattern = SplitPattern(expression: expression) else {
            throw field.unsupported(
                expression,
                supported: ["the expressions of GPT-2, GPT-4, Llama 3, Qwen 2, CLIP"]
            )
        }
        // What is cut out is the same either way if a pattern matches everything.
        let behavior = try section.member("behavior")
        let expected: [String] =
            pattern.matchesEverything ? ["Isolated", "Removed"] : ["Removed"]
        guard expected.contains(try behavior.string()) else {
            throw behavior.unsupported(try behavior.string(), supported: expected)
        }
        let invert = try section.member("invert")
        let isRemoval = try behavior.string() == "Removed"
        guard try invert.bool() == isRemoval || !isRemoval else {
            throw invert.unsupported("false", supported: ["true"])
        }
        return pattern
    }
}

/// What a `ByteLevel` section says, wherever it stands.
struct ByteLevelSettings {
    static let names = ["type", "add_prefix_space", "trim_offsets", "use_regex"]

    let addsPrefixSpace: Bool
    let trimsOffsets: Bool
    let usesPattern: Bool

    init(_ section: JSONField) throws(TokenizerError) {
        _ = try section.members(allowed: Self.names)
        addsPrefixSpace = try section.member("add_prefix_space").bool()
        trimsOffsets = try section.member("trim_offsets").bool()
        let pattern = try section.member("use_regex")
        usesPattern = pattern.isNull ? true : try pattern.bool()
    }
}

/// What a `Metaspace` section says, wherever it stands.
struct MetaspaceSettings {
    let replacement: [UInt8]
    let scheme: Metaspace.Scheme
    let splits: Bool

    init(_ section: JSONField) throws(TokenizerError) {
        _ = try section.members(allowed: [
            "type", "replacement", "add_prefix_space", "prepend_scheme", "split", "str_rep",
        ])
        let letter = try section.member("replacement")
        replacement = Array(try letter.string().utf8)
        guard try letter.string().unicodeScalars.count == 1 else {
            throw letter.invalid("expected one character")
        }
        let (prefix, name) = (
            try section.member("add_prefix_space"), try section.member("prepend_scheme")
        )
        let addsPrefix = prefix.isNull ? true : try prefix.bool()
        if name.isNull {
            scheme = addsPrefix ? .always : .never
        } else {
            guard let scheme = Metaspace.Scheme(rawValue: try name.string()) else {
                throw name.unsupported(
                    try name.string(),
                    supported: Metaspace.Scheme.allCases.map(\.rawValue)
                )
            }
            guard addsPrefix || scheme == .never else {
                throw prefix.invalid("contradicts prepend_scheme")
            }
            self.scheme = scheme
        }
        let split = try section.member("split")
        splits = split.isNull ? true : try split.bool()
    }
}

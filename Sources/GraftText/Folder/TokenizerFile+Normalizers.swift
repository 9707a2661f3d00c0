extension TokenizerFile {
    /// The section `normalizer`.
    func normalizers() throws(TokenizerError) -> [any TextNormalizer] {
        let section = try root.member("normalizer")
        return section.isNull ? [] : try Self.normalizers(section)
    }

    private static let normalizerNames = [
        "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Strip", "Prepend", "Replace",
        "Precompiled", "Sequence", "null",
    ]

    private static func normalizers(
        _ section: JSONField
    ) throws(TokenizerError) -> [any TextNormalizer] {
        let type = try section.member("type")
        func settings(_ names: String...) throws(TokenizerError) {
            _ = try section.members(allowed: ["type"] + names)
        }
        switch try type.string() {
        case "Sequence":
            try settings("normalizers")
            var steps: [any TextNormalizer] = []
            for step in try section.member("normalizers").elements() {
                steps += try normalizers(step)
            }
            return steps
        case "NFC", "NFD", "NFKC", "NFKD":
            try settings()
            return [NormalizationForm(rawValue: try type.string()) ?? .nfc]
        case "Lowercase":
            try settings()
            return [Lowercase()]
        case "StripAccents":
            try settings()
            return [StripAccents()]
        case "Strip":
            try settings("strip_left", "strip_right")
            return [
                Strip(
                    left: try section.member("strip_left").bool(),
                    right: try section.member("strip_right").bool()
                )
            ]
        case "Prepend":
            try settings("prepend")
            return [Prepend(prefix: Array(try section.member("prepend").string().utf8))]
        case "Replace":
            try settings("pattern", "content")
            let content = Array(try section.member("content").string().utf8)
            return [Replace(pattern: try pattern(section.member("pattern")), content: content)]
        case "Precompiled":
            try settings("precompiled_charsmap")
            let field = try section.member("precompiled_charsmap")
            let text = try field.string()
            do throws(CharacterMap.Failure) {
                return [PrecompiledNormalizer(map: try CharacterMap(base64: text))]
            } catch {
                throw field.invalid(error.problem)
            }
        case let name:
            throw type.unsupported(name, supported: normalizerNames)
        }
    }

    private static func pattern(_ field: JSONField) throws(TokenizerError) -> Replace.Pattern {
        _ = try field.members(allowed: ["String", "Regex"])
        let text = try field.member("String")
        if !text.isNull { return .text(Array(try text.string().utf8)) }
        let expression = try field.member("Regex")
        switch try expression.string() {
        case " {2,}": return .spaces
        case #"\s+"#: return .whitespace
        case let other: throw expression.unsupported(other, supported: [" {2,}", #"\s+"#])
        }
    }
}

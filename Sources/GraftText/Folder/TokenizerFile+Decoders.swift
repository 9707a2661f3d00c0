extension TokenizerFile {
    /// The section `decoder`.
    func decoder() throws(TokenizerError) -> DecoderChain? {
        let section = try root.member("decoder")
        guard !section.isNull else { return nil }
        return DecoderChain(steps: try Self.decoders(section))
    }

    private static let decoderNames = [
        "ByteLevel", "Metaspace", "Replace", "ByteFallback", "Fuse", "Strip", "BPEDecoder",
        "Sequence",
    ]

    private static func decoders(
        _ section: JSONField
    ) throws(TokenizerError) -> [any TokenDecoder] {
        let type = try section.member("type")
        switch try type.string() {
        case "Sequence":
            _ = try section.members(allowed: ["type", "decoders"])
            var steps: [any TokenDecoder] = []
            for step in try section.member("decoders").elements() { steps += try decoders(step) }
            return steps
        case "ByteLevel":
            _ = try section.members(allowed: ByteLevelSettings.names)
            return [ByteLevelDecoder()]
        case "ByteFallback":
            _ = try section.members(allowed: ["type"])
            return [ByteFallbackDecoder()]
        case "Fuse":
            _ = try section.members(allowed: ["type"])
            return [FuseDecoder()]
        case "Metaspace":
            let settings = try MetaspaceSettings(section)
            return [
                MetaspaceDecoder(
                    replacement: settings.replacement,
                    prepends: settings.scheme != .never
                )
            ]
        case "Replace":
            _ = try section.members(allowed: ["type", "pattern", "content"])
            let pattern = try section.member("pattern")
            _ = try pattern.members(allowed: ["String"])
            return [
                ReplaceDecoder(
                    pattern: Array(try pattern.member("String").string().utf8),
                    content: Array(try section.member("content").string().utf8)
                )
            ]
        case "Strip":
            _ = try section.members(allowed: ["type", "content", "start", "stop"])
            return [
                StripDecoder(
                    content: Array(try section.member("content").string().utf8),
                    start: try section.member("start").count(),
                    stop: try section.member("stop").count()
                )
            ]
        case "BPEDecoder":
            _ = try section.members(allowed: ["type", "suffix"])
            return [WordEndDecoder(suffix: Array(try section.member("suffix").string().utf8))]
        case let name:
            throw type.unsupported(name, supported: decoderNames)
        }
    }
}

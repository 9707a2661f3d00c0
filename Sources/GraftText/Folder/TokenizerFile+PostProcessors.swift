extension TokenizerFile {
    /// What is done with the tokens of a text after the model.
    struct PostProcessing {
        var template = SequenceTemplate.plain
        var trimming: OffsetTrimming?
    }

    private static let processorNames = [
        "TemplateProcessing", "BertProcessing", "RobertaProcessing", "ByteLevel", "Sequence",
        "null",
    ]

    /// The section `post_processor`.
    func postProcessing() throws(TokenizerError) -> PostProcessing {
        let section = try root.member("post_processor")
        var processing = PostProcessing()
        guard !section.isNull else { return processing }
        try Self.read(section, into: &processing)
        return processing
    }

    private static func read(
        _ section: JSONField,
        into processing: inout PostProcessing
    ) throws(TokenizerError) {
        let type = try section.member("type")
        let name = try type.string()
        if ["TemplateProcessing", "BertProcessing", "RobertaProcessing"].contains(name) {
            guard processing.template == .plain else {
                throw section.invalid("special tokens are put around the text twice")
            }
        }
        switch name {
        case "Sequence":
            _ = try section.members(allowed: ["type", "processors"])
            for step in try section.member("processors").elements() {
                try read(step, into: &processing)
            }
        case "TemplateProcessing":
            processing.template = try SequenceTemplate(section)
        case "BertProcessing":
            _ = try section.members(allowed: ["type", "cls", "sep"])
            processing.template = .bert(
                cls: try section.tokenAndID("cls"),
                sep: try section.tokenAndID("sep")
            )
        case "RobertaProcessing":
            _ = try section.members(allowed: [
                "type", "cls", "sep", "trim_offsets", "add_prefix_space",
            ])
            processing.template = .roberta(
                cls: try section.tokenAndID("cls"),
                sep: try section.tokenAndID("sep")
            )
            if try section.member("trim_offsets").bool() {
                let addsPrefixSpace = try section.member("add_prefix_space").bool()
                processing.trimming = OffsetTrimming(addsPrefixSpace: addsPrefixSpace)
            }
        case "ByteLevel":
            let settings = try ByteLevelSettings(section)
            if settings.trimsOffsets {
                processing.trimming = OffsetTrimming(addsPrefixSpace: settings.addsPrefixSpace)
            }
        default:
            throw type.unsupported(name, supported: processorNames)
        }
    }
}

extension JSONField {
    /// The id in a member that is a pair of a token and its id.
    fileprivate func tokenAndID(_ name: String) throws(TokenizerError) -> Int32 {
        let field = try member(name)
        let elements = try field.elements()
        guard elements.count == 2 else { throw field.invalid("expected a token and its id") }
        return try elements[1].id()
    }
}

internal import Foundation

extension TokenizerFolder {
    /// The chat template of the folder: `chat_template.jinja`, or the `chat_template` in `tokenizer_config.json`.
    ///
    /// Special tokens (`bos_token`, `eos_token`, ...) are among its variables.
    ///
    /// - Parameter name: Which of several templates; `nil` for the one named `default`.
    /// - Returns: `nil` if the folder has none.
    /// - Throws: ``TokenizerError`` if a file cannot be read or names no such template; ``ChatTemplateError`` if the
    ///   template is not well-formed, or asks for something that Graft does not have.
    public func chatTemplate(named name: String? = nil) throws -> ChatTemplate? {
        let folder = ModelFolder(url)
        guard let source = try source(folder, name) else { return nil }
        let settings = try TokenizerSettings(folder)
        var variables: [String: TemplateValue] = [:]
        for token in [
            "bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token",
            "mask_token",
        ] {
            if let content = try settings.token(token) { variables[token] = .string(content) }
        }
        return try ChatTemplate(source, variables: variables)
    }

    /// The text of the chat template that ``chatTemplate(named:)`` gives without a name, as it stands in the folder.
    ///
    /// - Returns: `nil` if the folder has none.
    /// - Throws: ``TokenizerError`` if a file cannot be read.
    package func chatTemplateText() throws -> String? { try source(ModelFolder(url), nil) }

    private func source(_ folder: ModelFolder, _ name: String?) throws -> String? {
        if name == nil, folder.contains("chat_template.jinja") {
            return String(decoding: try folder.bytes("chat_template.jinja"), as: UTF8.self)
        }
        guard folder.contains("tokenizer_config.json") else { return nil }
        let field = try folder.json("tokenizer_config.json").member("chat_template")
        if field.isNull { return nil }
        guard case .array = field.value else { return try field.string() }
        var names: [String] = []
        for entry in try field.elements() {
            let found = try entry.member("name").string()
            if found == name ?? "default" { return try entry.member("template").string() }
            names.append(found)
        }
        throw field.unsupported(name ?? "default", supported: names)
    }
}

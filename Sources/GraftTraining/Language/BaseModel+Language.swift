internal import Foundation
public import GraftData
public import GraftFormats
internal import GraftLayers
public import GraftModels
public import GraftText

extension BaseModel {
    /// Encodes rows for a task.
    ///
    /// - Parameters:
    ///   - data: The rows, with what the task asks for.
    ///   - kind: What is predicted.
    ///   - maxLength: The most tokens of a row; longer ones are cut.
    ///   - reading: How else texts are cut.
    ///   - labels: The classes, or `nil` to read no targets; where the model writes text, rows are their own targets.
    /// - Returns: The rows as the model reads them.
    /// - Throws: `DataError` if a row has an unknown label; ``TrainingError`` naming the line of a row that cannot be
    ///   encoded.
    public func encoded(
        _ data: Dataset,
        for kind: HeadKind,
        maxLength: Int,
        reading: ReadingOptions = ReadingOptions(),
        labels: LabelMap?
    ) throws -> EncodedRows {
        switch kind {
        case .causalLM: return EncodedRows(try languageRows(data, maxLength: maxLength))
        case .seq2seq:
            return EncodedRows(try answerRows(data, maxLength: maxLength, reading: reading))
        case .questionAnswering:
            return EncodedRows(
                try QuestionRows(
                    data,
                    tokenizer: tokenizer,
                    maxLength: maxLength,
                    reading: reading
                )
            )
        case .multipleChoice:
            return EncodedRows(
                try ChoiceRows(data, tokenizer: tokenizer, maxLength: maxLength)
            )
        case .classification, .multiLabel, .regression, .tagging, .imageText:
            return try EncodedRows(
                data,
                tokenizer: tokenizer,
                maxLength: maxLength,
                kind: kind,
                labels: labels
            )
        }
    }

    private func languageRows(_ data: Dataset, maxLength: Int) throws -> LanguageRows {
        let hasMessages = data.contains { $0.messages != nil }
        let reader = LanguageRows.Reader(
            tokenizer: try tokenizer,
            endToken: try endTokens().first,
            template: hasMessages ? try chatTemplate() : nil,
            maxLength: maxLength
        )
        return try LanguageRows(data, reader)
    }

    private func answerRows(
        _ data: Dataset,
        maxLength: Int,
        reading: ReadingOptions
    ) throws -> AnswerRows {
        let reader = AnswerRows.Reader(
            tokenizer: try tokenizer,
            startToken: try HeadKind.answerer(model).startToken,
            endToken: try endTokens().first,
            maxLength: maxLength,
            maxTargetLength: reading.targetLength
        )
        return try AnswerRows(data, reader)
    }

    /// How the model wants conversations written; `nil` if its folder does not say.
    ///
    /// - Throws: `TokenizerError` if a file cannot be read, `ChatTemplateError` if the template is not one that Graft can
    ///   follow.
    public func chatTemplate() throws -> ChatTemplate? {
        try TokenizerFolder(URL(filePath: path)).chatTemplate()
    }

    /// The tokens that end a text: the tokenizer's `eos_token`, then those of `generation_config.json` and `config.json`.
    ///
    /// - Returns: None if no file names any.
    /// - Throws: An error naming the file and field that cannot be read.
    public func endTokens() throws -> [Int32] {
        var tokens: [Int32] = []
        if let token = try TokenizerFolder(URL(filePath: path)).endToken(),
            let id = try tokenizer.id(of: token)
        {
            tokens.append(id)
        }
        for name in ["generation_config.json", "config.json"] {
            let file = path + "/" + name
            guard FileManager.default.fileExists(atPath: file) else { continue }
            tokens += try ConfigurationFile(path: file).decode(EndTokens.self).ids
        }
        return tokens.enumerated().filter { index, id in
            tokens.firstIndex(of: id) == index && (0..<Int32(shape.vocabularySize)).contains(id)
        }.map(\.element)
    }
}

/// `eos_token_id`: a number or a list.
private struct EndTokens: Decodable {
    let ids: [Int32]

    enum CodingKeys: String, CodingKey, CaseIterable { case ids = "eos_token_id" }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        if let list = try? fields.decode([Int32].self, forKey: .ids) {
            ids = list
        } else {
            ids = try fields.decodeIfPresent(Int32.self, forKey: .ids).map { [$0] } ?? []
        }
    }
}

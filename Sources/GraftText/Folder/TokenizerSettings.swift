/// What stands beside the vocabulary files of a folder: the class of the tokenizer, its flags, its special tokens.
///
/// `tokenizer_config.json` comes first, then `special_tokens_map.json`, `added_tokens.json` and the kind of model in
/// `config.json`, all of which may be absent.
struct TokenizerSettings {
    private let configuration: JSONField
    private let specialTokens: JSONField?
    private let addedTokens: JSONField?
    private let model: JSONField?

    /// The tokenizer class of models whose folders do not name it.
    private static let classes = [
        "gpt2": "GPT2Tokenizer", "roberta": "RobertaTokenizer", "bart": "BartTokenizer",
        "clip": "CLIPTokenizer", "qwen2": "Qwen2Tokenizer", "t5": "T5Tokenizer",
        "mt5": "T5Tokenizer",
        "albert": "AlbertTokenizer", "xlm-roberta": "XLMRobertaTokenizer",
        "llama": "LlamaTokenizer", "mistral": "LlamaTokenizer",
    ]

    init(_ folder: ModelFolder) throws(TokenizerError) {
        func file(_ name: String) throws(TokenizerError) -> JSONField? {
            folder.contains(name) ? try folder.json(name) : nil
        }
        let name = "tokenizer_config.json"
        configuration =
            try file(name)
            ?? JSONField(file: folder.path(of: name), path: "", value: .object([]))
        specialTokens = try file("special_tokens_map.json")
        addedTokens = try file("added_tokens.json")
        model = try file("config.json")
    }

    /// The class of the tokenizer, `nil` if no file tells.
    ///
    /// - Returns: The name without `Fast`, and the field that says so.
    func className() throws(TokenizerError) -> (name: String, field: JSONField)? {
        for field in [configuration, model].compactMap(\.self) {
            let type = try field.member("tokenizer_class")
            guard !type.isNull else { continue }
            let name = try type.string()
            return (name.hasSuffix("Fast") ? String(name.dropLast(4)) : name, type)
        }
        guard let type = try model?.member("model_type"), !type.isNull,
            let name = Self.classes[try type.string()]
        else { return nil }
        return (name, type)
    }

    func flag(_ name: String) throws(TokenizerError) -> Bool? {
        let field = try configuration.member(name)
        return field.isNull ? nil : try field.bool()
    }

    func count(_ name: String) throws(TokenizerError) -> Int? {
        let field = try configuration.member(name)
        return field.isNull ? nil : try field.count()
    }

    /// A special token: a string, or an object with a `content`.
    func token(_ name: String) throws(TokenizerError) -> String? {
        for file in [configuration, specialTokens].compactMap(\.self) {
            let field = try file.member(name)
            if field.isNull { continue }
            if case .object = field.value { return try field.member("content").string() }
            return try field.string()
        }
        return nil
    }

    /// The added tokens: `defaults`, with what files say in their place or in addition.
    func added(
        _ defaults: [AddedToken],
        _ vocabulary: Vocabulary
    ) throws(TokenizerError) -> [AddedToken] {
        var tokens = defaults
        func put(_ token: AddedToken, from field: JSONField) throws(TokenizerError) {
            try field.check(token, vocabulary)
            if let index = tokens.firstIndex(where: { $0.id == token.id }) {
                tokens[index] = token
            } else {
                tokens.append(token)
            }
        }
        let entries = try configuration.member("added_tokens_decoder")
        if !entries.isNull {
            for entry in try entries.members() {
                guard let name = entry.path.split(separator: ".").last, let id = Int32(name),
                    (0..<Int32(Vocabulary.idLimit)).contains(id)
                else { throw entry.invalid("expected an id as the name") }
                try put(try AddedToken(entry, id: id), from: entry)
            }
        }
        if let addedTokens, entries.isNull {
            for (name, id) in try addedTokens.integers() {
                guard (0..<Vocabulary.idLimit).contains(id) else {
                    throw addedTokens.invalid("id \(id) of token \(name) is out of range")
                }
                let token = AddedToken(
                    id: Int32(id),
                    content: name,
                    isSpecial: false,
                    isNormalized: true
                )
                try put(token, from: addedTokens)
            }
        }
        return tokens
    }
}

extension JSONField {
    /// Makes sure that an added token does not contradict a vocabulary.
    func check(_ token: AddedToken, _ vocabulary: Vocabulary) throws(TokenizerError) {
        if let id = vocabulary.id(of: token.content), id != token.id {
            throw invalid(
                "token \(token.content) has id \(token.id) here and \(id) in the vocabulary"
            )
        }
        if let other = vocabulary.token(of: token.id),
            !other.utf8.elementsEqual(token.content.utf8)
        {
            throw invalid(
                "id \(token.id) is that of \(token.content) here and of \(other) in the vocabulary"
            )
        }
    }
}

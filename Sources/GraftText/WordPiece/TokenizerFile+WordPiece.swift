extension TokenizerFile {
    /// Reads a tokenizer whose model is WordPiece.
    func wordPieceTokenizer() throws(TokenizerError) -> WordPieceTokenizer {
        try checkPreTokenizer()
        let model = try wordPieceModel()
        return WordPieceTokenizer(
            model: model,
            normalizer: try bertNormalizer(),
            template: try postProcessing().template,
            decoder: try wordPieceDecoder(),
            addedTokens: try addedTokens(model.vocabulary)
        )
    }

    private func wordPieceModel() throws(TokenizerError) -> WordPiece {
        let section = try root.member("model")
        _ = try section.members(allowed: [
            "type", "vocab", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word",
        ])
        let vocabularyField = try section.member("vocab")
        let vocabulary = try Vocabulary(vocabularyField)
        let unknown = try section.member("unk_token")
        guard let unknownID = vocabulary.id(of: try unknown.string()) else {
            throw unknown.invalid("\(try unknown.string()) is not in model.vocab")
        }
        return WordPiece(
            vocabulary: vocabulary,
            unknownID: unknownID,
            continuingPrefix: try section.member("continuing_subword_prefix").string(),
            maxCharacters: try section.member("max_input_chars_per_word").count()
        )
    }

    private func bertNormalizer() throws(TokenizerError) -> BertNormalizer? {
        let section = try root.member("normalizer")
        guard !section.isNull else { return nil }
        let type = try section.member("type")
        guard try type.string() == "BertNormalizer" else {
            throw type.unsupported(try type.string(), supported: ["BertNormalizer", "null"])
        }
        _ = try section.members(allowed: [
            "type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase",
        ])
        let accents = try section.member("strip_accents")
        return BertNormalizer(
            cleansText: try section.member("clean_text").bool(),
            separatesChinese: try section.member("handle_chinese_chars").bool(),
            stripsAccents: accents.isNull ? nil : try accents.bool(),
            lowercases: try section.member("lowercase").bool()
        )
    }

    /// Makes sure that words are found as BERT finds them, the only way there is here so far.
    private func checkPreTokenizer() throws(TokenizerError) {
        let section = try root.member("pre_tokenizer")
        let supported = ["BertPreTokenizer"]
        guard !section.isNull else { throw section.unsupported("null", supported: supported) }
        let type = try section.member("type")
        guard try type.string() == "BertPreTokenizer" else {
            throw type.unsupported(try type.string(), supported: supported)
        }
    }

    private func wordPieceDecoder() throws(TokenizerError) -> WordPieceDecoder? {
        let section = try root.member("decoder")
        guard !section.isNull else { return nil }
        let type = try section.member("type")
        guard try type.string() == "WordPiece" else {
            throw type.unsupported(try type.string(), supported: ["WordPiece", "null"])
        }
        _ = try section.members(allowed: ["type", "prefix", "cleanup"])
        return WordPieceDecoder(
            prefix: try section.member("prefix").string(),
            cleansUp: try section.member("cleanup").bool()
        )
    }
}

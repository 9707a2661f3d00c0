/// A BERT folder without `tokenizer.json`: a `vocab.txt`, with rules in `tokenizer_config.json`.
///
/// Reference: `BertTokenizerFast` of `transformers` 4.57 and its converter from the slow tokenizer.
struct VocabularyFile {
    private static let file = "vocab.txt"
    private static let configurationFile = "tokenizer_config.json"

    /// The classes whose tokenizer is exactly BERT's.
    private static let classes = [
        "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer",
        "ConvBertTokenizer", "SqueezeBertTokenizer",
    ]

    private let folder: ModelFolder
    private let configuration: JSONField

    init(_ folder: ModelFolder) throws(TokenizerError) {
        self.folder = folder
        if folder.contains(Self.configurationFile) {
            configuration = try folder.json(Self.configurationFile)
        } else {
            let path = folder.path(of: Self.configurationFile)
            configuration = JSONField(file: path, path: "", value: .object([]))
        }
    }

    func tokenizer() throws(TokenizerError) -> WordPieceTokenizer {
        try checkSupport()
        let vocabulary = try vocabulary()
        func id(_ field: String, default token: String) throws(TokenizerError) -> Int32? {
            try special(field, default: token, vocabulary)
        }
        let unknown = try required(try id("unk_token", default: "[UNK]"), "[UNK]")
        let separator = try required(try id("sep_token", default: "[SEP]"), "[SEP]")
        let start = try required(try id("cls_token", default: "[CLS]"), "[CLS]")
        let optional = [
            try id("pad_token", default: "[PAD]"), try id("mask_token", default: "[MASK]"),
        ]
        let ids = [unknown, separator, start] + optional.compactMap { $0 }
        return WordPieceTokenizer(
            model: WordPiece(
                vocabulary: vocabulary,
                unknownID: unknown,
                continuingPrefix: "##",
                maxCharacters: 100
            ),
            normalizer: try normalizer(),
            template: .bert(cls: start, sep: separator),
            decoder: WordPieceDecoder(),
            addedTokens: ids.compactMap { id in
                vocabulary.token(of: id).map { AddedToken(id: id, content: $0) }
            }
        )
    }

    private func checkSupport() throws(TokenizerError) {
        let type = try configuration.member("tokenizer_class")
        if !type.isNull {
            let name = try type.string()
            guard Self.classes.contains(where: { name == $0 || name == $0 + "Fast" }) else {
                throw type.unsupported(name, supported: Self.classes)
            }
        }
        let basic = try configuration.member("do_basic_tokenize")
        if !basic.isNull, try !basic.bool() {
            throw basic.unsupported("false", supported: ["true"])
        }
        let kept = try configuration.member("never_split")
        if !kept.isNull, try !kept.elements().isEmpty {
            throw kept.unsupported("a list of words", supported: ["null"])
        }
        if folder.contains("added_tokens.json") {
            throw .unsupported(
                file: folder.path(of: "added_tokens.json"),
                field: "tokens beside vocab.txt",
                value: "this file",
                supported: ["a tokenizer.json, which `save_pretrained` of a fast tokenizer writes"]
            )
        }
        let added = try configuration.member("added_tokens_decoder")
        guard !added.isNull else { return }
        for token in try added.members() where try !token.member("special").bool() {
            throw token.unsupported(
                "an added token that is not special",
                supported: ["a tokenizer.json, which `save_pretrained` of a fast tokenizer writes"]
            )
        }
    }

    private func normalizer() throws(TokenizerError) -> BertNormalizer {
        func flag(_ name: String) throws(TokenizerError) -> Bool? {
            let field = try configuration.member(name)
            return field.isNull ? nil : try field.bool()
        }
        return BertNormalizer(
            separatesChinese: try flag("tokenize_chinese_chars") ?? true,
            stripsAccents: try flag("strip_accents"),
            lowercases: try flag("do_lower_case") ?? true
        )
    }

    /// The id of a special token, which is a string or an object with a `content`.
    ///
    /// - Returns: `nil` if the token is not set, and its default is not in the vocabulary.
    private func special(
        _ field: String,
        default token: String,
        _ vocabulary: Vocabulary
    ) throws(TokenizerError) -> Int32? {
        let setting = try configuration.member(field)
        if setting.isNull { return vocabulary.id(of: token) }
        var content = setting
        if case .object = setting.value { content = try setting.member("content") }
        let name = try content.string()
        guard let id = vocabulary.id(of: name) else {
            throw setting.invalid("\(name) is not in \(Self.file)")
        }
        return id
    }

    private func required(_ id: Int32?, _ token: String) throws(TokenizerError) -> Int32 {
        if let id { return id }
        throw .invalid(
            file: folder.path(of: Self.file),
            field: "vocabulary",
            problem: "has no \(token) (hint: name the token in \(Self.configurationFile))"
        )
    }

    /// One token on each line; its id is the number of the line, from 0.
    private func vocabulary() throws(TokenizerError) -> Vocabulary {
        let path = folder.path(of: Self.file)
        var lines = try folder.bytes(Self.file).split(
            separator: UInt8(ascii: "\n"),
            omittingEmptySubsequences: false
        )
        if lines.last?.isEmpty == true { lines.removeLast() }
        guard !lines.isEmpty else {
            throw .invalid(file: path, field: "vocabulary", problem: "the file is empty")
        }
        var vocabulary = Vocabulary(capacity: lines.count)
        for (index, line) in lines.enumerated() {
            let token = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            guard String(validating: token, as: UTF8.self) != nil else {
                throw .invalidLine(file: path, line: index + 1, problem: "not UTF-8")
            }
            do throws(Vocabulary.Conflict) {
                try vocabulary.add(token, id: index)
            } catch {
                throw .invalidLine(file: path, line: index + 1, problem: error.problem(with: token))
            }
        }
        return vocabulary
    }
}

extension Vocabulary.Conflict {
    fileprivate func problem(with token: ArraySlice<UInt8>) -> String {
        switch self {
        case .duplicateToken(let id):
            "token \(String(decoding: token, as: UTF8.self)) is already on line \(id + 1)"
        case .duplicateID, .idOutOfRange:
            "more tokens than a vocabulary can hold"
        }
    }
}

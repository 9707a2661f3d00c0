/// A `tokenizer.json`: what its sections say, for any kind of model.
///
/// Each kind of model reads its own sections in an extension beside it, and has one line in ``kinds``.
/// The sections `truncation` and `padding` are not read; see ``Tokenizer``.
struct TokenizerFile {
    let root: JSONField

    /// Makes a tokenizer of a file whose model is of one kind.
    private typealias Reader = @Sendable (TokenizerFile) throws(TokenizerError) -> any Tokenizer

    /// The kinds of model, by the name that files give them.
    private static let kinds: [(name: String, read: Reader)] = [
        ("WordPiece", { file throws(TokenizerError) in try file.wordPieceTokenizer() }),
        ("BPE", { file throws(TokenizerError) in try file.bytePairTokenizer() }),
        ("Unigram", { file throws(TokenizerError) in try file.unigramTokenizer() }),
    ]

    init(_ root: JSONField) { self.root = root }

    func tokenizer() throws(TokenizerError) -> any Tokenizer {
        let version = try root.member("version")
        if !version.isNull, try version.string() != "1.0" {
            throw version.unsupported(try version.string(), supported: ["1.0"])
        }
        let model = try root.member("model")
        let type = try model.member("type")
        // Files from before `type` was written show the kind by a setting that only it has.
        let isUntyped = type.isNull
        let name: String
        if isUntyped, try !model.member("max_input_chars_per_word").isNull {
            name = "WordPiece"
        } else if isUntyped, try !model.member("merges").isNull {
            name = "BPE"
        } else {
            name = try type.string()
        }
        guard let kind = Self.kinds.first(where: { $0.name == name }) else {
            throw type.unsupported(name, supported: Self.kinds.map(\.name))
        }
        return try kind.read(self)
    }

    /// The section `added_tokens`.
    func addedTokens(_ vocabulary: Vocabulary) throws(TokenizerError) -> [AddedToken] {
        let section = try root.member("added_tokens")
        guard !section.isNull else { return [] }
        var tokens: [AddedToken] = []
        var (ids, spellings) = (Set<Int32>(), Set<[UInt8]>())
        for entry in try section.elements() {
            let token = try AddedToken(entry)
            try entry.check(token, vocabulary)
            guard !ids.contains(token.id) else {
                throw entry.invalid("id \(token.id) is given to two added tokens")
            }
            // An empty spelling is never found, whoever has it.
            guard !token.content.isEmpty else { continue }
            guard spellings.insert(Array(token.content.utf8)).inserted else {
                throw entry.invalid("'\(token.content)' is given two ids")
            }
            ids.insert(token.id)
            tokens.append(token)
        }
        return tokens
    }
}

extension AddedToken {
    /// Reads an entry of `added_tokens`.
    ///
    /// - Throws: ``TokenizerError`` if the entry lacks a content or an id, or has settings of other types.
    fileprivate init(_ entry: JSONField) throws(TokenizerError) {
        try self.init(entry, id: try entry.member("id").id())
    }

    /// Reads an entry whose id stands elsewhere.
    init(_ entry: JSONField, id: Int32) throws(TokenizerError) {
        _ = try entry.members(allowed: [
            "id", "content", "special", "normalized", "single_word", "lstrip", "rstrip",
        ])
        self.init(
            id: id,
            content: try entry.member("content").string(),
            isSpecial: try entry.member("special").bool(),
            isNormalized: try entry.member("normalized").bool(),
            isSingleWord: try entry.member("single_word").bool(),
            stripsLeft: try entry.member("lstrip").bool(),
            stripsRight: try entry.member("rstrip").bool()
        )
    }
}

/// Which files of a folder a tokenizer is read from: the one place that knows their names.
enum TokenizerLayout: Sendable, Hashable {
    /// `tokenizer.json`, which says everything.
    case tokenizerFile
    /// `vocab.json` and `merges.txt`: byte-level BPE, with rules in `tokenizer_config.json`.
    case vocabularyAndMerges
    /// A SentencePiece model, with rules in `tokenizer_config.json`.
    case sentencePiece(String)
    /// A list of byte strings in base 64 and their ranks.
    case ranks(String)
    /// `vocab.txt`: WordPiece, with rules in `tokenizer_config.json`.
    case vocabulary

    private static let sentencePieceNames = [
        "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "spm.model",
    ]

    /// The layout of a folder, `nil` if it has none of the files; that which says most comes first.
    init?(_ folder: ModelFolder) throws(TokenizerError) {
        if folder.contains("tokenizer.json") {
            self = .tokenizerFile
        } else if folder.contains("vocab.json"), folder.contains("merges.txt") {
            self = .vocabularyAndMerges
        } else if let name = Self.sentencePieceNames.first(where: folder.contains) {
            self = try folder.startsLikeRanks(name) ? .ranks(name) : .sentencePiece(name)
        } else if let name = folder.names(endingIn: ".model").first {
            self = .sentencePiece(name)
        } else if let name = folder.names(endingIn: ".tiktoken").first {
            self = .ranks(name)
        } else if folder.contains("vocab.txt") {
            self = .vocabulary
        } else {
            return nil
        }
    }

    /// The files that hold tokens, by name.
    var files: [String] {
        switch self {
        case .tokenizerFile: ["tokenizer.json"]
        case .vocabularyAndMerges: ["vocab.json", "merges.txt"]
        case .sentencePiece(let name), .ranks(let name): [name]
        case .vocabulary: ["vocab.txt"]
        }
    }
}

extension ModelFolder {
    /// Whether a file begins as a list of ranks does: `tokenizer.model` is the name of two kinds of file.
    fileprivate func startsLikeRanks(_ name: String) throws(TokenizerError) -> Bool {
        RanksFile.isList(try bytes(name).prefix(200))
    }
}

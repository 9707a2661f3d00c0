public import Foundation

/// The tokenizer files of a model folder, in the layout of Hugging Face.
///
/// `tokenizer.json` says everything and is read if it is there. Otherwise the vocabulary stands in `vocab.json` with
/// `merges.txt` (byte-level BPE), in a SentencePiece model (`spiece.model`, `tokenizer.model`, ...), in a list of
/// `tiktoken`, or in `vocab.txt` (WordPiece), and the rules follow from the tokenizer class that
/// `tokenizer_config.json` names; the tokenizer is then put together as the reference's fast one is.
///
/// Whatever a file asks for is either done or refused with an error that names the file and the field:
/// a tokenizer that is nearly right spoils a model without a word.
public struct TokenizerFolder: Sendable, Hashable {
    /// The folder.
    public let url: URL

    /// Names a folder; nothing is read yet.
    public init(_ url: URL) {
        self.url = url
    }

    /// The files that hold the vocabulary, which identify a tokenizer.
    ///
    /// - Returns: None if the folder has no tokenizer.
    /// - Throws: A ``TokenizerError`` if a file cannot be read.
    public func files() throws(TokenizerError) -> [URL] {
        (try TokenizerLayout(ModelFolder(url))?.files ?? []).map { url.appending(path: $0) }
    }

    /// Reads the tokenizer.
    ///
    /// - Throws: A ``TokenizerError`` that names the file, and the field or the line.
    public func load() throws(TokenizerError) -> any Tokenizer {
        let folder = ModelFolder(url)
        switch try TokenizerLayout(folder) {
        case .tokenizerFile:
            return try TokenizerFile(folder.json("tokenizer.json")).tokenizer()
        case .vocabularyAndMerges:
            return try MergesFolder(folder, TokenizerSettings(folder)).tokenizer()
        case .sentencePiece(let name):
            return try SentencePieceFolder(folder, name: name, TokenizerSettings(folder))
                .tokenizer()
        case .ranks(let name):
            return try RanksFile(folder, name: name).tokenizer(TokenizerSettings(folder))
        case .vocabulary:
            return try VocabularyFile(folder).tokenizer()
        case nil:
            throw .noTokenizer(folder: url.path(percentEncoded: false))
        }
    }
}

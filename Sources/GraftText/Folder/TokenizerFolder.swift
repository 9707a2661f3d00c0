public import Foundation

/// The tokenizer files of a model folder, in the layout of Hugging Face.
///
/// `tokenizer.json` says everything and is read if it is there. Older folders have a `vocab.txt`, whose
/// rules stand in `tokenizer_config.json`; the tokenizer is then put together as the reference's fast
/// BERT tokenizer does.
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

    /// Reads the tokenizer.
    ///
    /// - Throws: A ``TokenizerError`` that names the file, and the field or the line.
    public func load() throws(TokenizerError) -> any Tokenizer {
        let folder = ModelFolder(url)
        if folder.contains("tokenizer.json") {
            return try TokenizerFile(folder.json("tokenizer.json")).tokenizer()
        }
        if folder.contains("vocab.txt") {
            return try VocabularyFile(folder).tokenizer()
        }
        throw .noTokenizer(folder: url.path(percentEncoded: false))
    }
}

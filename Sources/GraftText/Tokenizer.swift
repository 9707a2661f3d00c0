/// Turns text into the token ids of one vocabulary, and ids back into text.
///
/// A tokenizer is an immutable value: one instance serves any number of tasks at once, without locks.
/// What it produces equals, token for token and offset for offset, what the Hugging Face
/// `tokenizers` package produces from the same files. Two settings of those files are deliberately
/// not followed, because they belong to the caller and not to the vocabulary: padding is never
/// applied, and truncation happens only where ``EncodingOptions/maxLength`` asks for it.
///
/// Read one from a model folder with ``TokenizerFolder``.
public protocol Tokenizer: Sendable {
    /// The number of distinct tokens, those added to the model's own vocabulary included.
    var vocabularySize: Int { get }

    /// Returns the id of a token, spelt byte for byte as in the vocabulary (`"##ing"`), if it has one.
    func id(of token: String) -> Int32?

    /// Returns the spelling of a token, or `nil` if no token has this id.
    func token(of id: Int32) -> String?

    /// Returns the tokens of an input.
    ///
    /// Every input has an encoding: text that the vocabulary cannot spell becomes the unknown token.
    func encode(_ input: TextInput, options: EncodingOptions) -> Encoding

    /// Returns the text that ids stand for.
    ///
    /// Ids without a token are passed over, as the reference does. The text is seldom the one that was
    /// encoded: case, accents and spacing may be gone.
    ///
    /// - Parameters:
    ///   - ids: The ids.
    ///   - skippingSpecialTokens: Whether tokens such as `[CLS]` are left out.
    /// - Returns: The text.
    func decode(_ ids: some Sequence<Int32>, skippingSpecialTokens: Bool) -> String
}

extension Tokenizer {
    /// Returns the tokens of a text, or of a pair of texts.
    ///
    /// - Parameters:
    ///   - text: The text, or the first of two.
    ///   - pair: The second text.
    ///   - maxLength: The most tokens to return, special tokens included; `nil` for all.
    /// - Returns: The tokens, with special tokens around them.
    public func encode(_ text: String, pair: String? = nil, maxLength: Int? = nil) -> Encoding {
        let input = pair.map { TextInput.pair(text, $0) } ?? .text(text)
        return encode(input, options: EncodingOptions(maxLength: maxLength))
    }

    /// Returns the tokens of text that comes split into words, as for tagging.
    ///
    /// - Parameters:
    ///   - words: The words. ``Encoding/wordIDs`` are indices of this array, and
    ///     ``Encoding/offsets`` count from the start of each word.
    ///   - maxLength: The most tokens to return, special tokens included; `nil` for all.
    /// - Returns: The tokens, with special tokens around them.
    public func encode(words: [String], maxLength: Int? = nil) -> Encoding {
        encode(.words(words), options: EncodingOptions(maxLength: maxLength))
    }

    /// Returns the text that ids stand for, without special tokens.
    public func decode(_ ids: some Sequence<Int32>) -> String {
        decode(ids, skippingSpecialTokens: true)
    }
}

/// What a tokenizer encodes.
public enum TextInput: Sendable, Hashable {
    /// One text.
    case text(String)

    /// Two texts, told apart by type ids and a separator.
    case pair(String, String)

    /// One text that is already split into words.
    case words([String])
}

/// How an input is encoded.
public struct EncodingOptions: Sendable, Hashable {
    /// The most tokens to return, special tokens included; `nil` for all.
    ///
    /// Tokens are taken from the end, and of a pair from the longer text first (`longest_first`). Special
    /// tokens are never taken: a limit below their number leaves them alone.
    public var maxLength: Int?

    /// Whether special tokens such as `[CLS]` are put around the text.
    public var addsSpecialTokens: Bool

    /// Whether ``Encoding/offsets`` and ``Encoding/wordIDs`` are wanted; without, both stay empty.
    public var tracksSource: Bool

    /// Creates options; the defaults are those of `tokenizer(text)` in the reference.
    public init(maxLength: Int? = nil, addsSpecialTokens: Bool = true, tracksSource: Bool = true) {
        self.maxLength = maxLength
        self.addsSpecialTokens = addsSpecialTokens
        self.tracksSource = tracksSource
    }
}

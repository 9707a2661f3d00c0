/// Decodes tokens as they are generated, one by one.
///
/// A token may end inside a character, and the space before one may depend on what precedes it. Text is therefore given
/// out once it is certain: it grew, and does not end in a character that is not complete yet. What is given out in all
/// is what decoding all tokens at once gives.
///
/// Reference: `DecodeStream` in `tokenizer/mod.rs` of `tokenizers`.
public struct StreamingDecoder: Sendable {
    private let tokenizer: any Tokenizer
    private let skipsSpecialTokens: Bool

    /// The tokens from the second to last time text was given out, which later ones are decoded with.
    private var ids: [Int32] = []
    /// How many of these had been given out the last time.
    private var given = 0
    /// Their text.
    private var givenText: [UInt8] = []

    /// Creates a decoder of a new text.
    ///
    /// - Parameters:
    ///   - tokenizer: The tokenizer.
    ///   - skippingSpecialTokens: Whether tokens such as `</s>` are left out.
    public init(_ tokenizer: any Tokenizer, skippingSpecialTokens: Bool = true) {
        self.tokenizer = tokenizer
        skipsSpecialTokens = skippingSpecialTokens
    }

    /// Adds a token, and returns the text that has become certain, which may be empty.
    public mutating func append(_ id: Int32) -> String {
        ids.append(id)
        let text = decoded(ids[...])
        guard text.count > givenText.count, !text.suffix(3).elementsEqual("\u{FFFD}".utf8) else {
            return ""
        }
        let new = added(by: text)
        ids.removeFirst(given)
        given = ids.count
        givenText = decoded(ids[...])
        return new
    }

    /// Returns the text that was kept back, incomplete characters included, and begins a new text.
    public mutating func finish() -> String {
        let new = added(by: decoded(ids[...]))
        (ids, given, givenText) = ([], 0, [])
        return new
    }

    private func decoded(_ ids: ArraySlice<Int32>) -> [UInt8] {
        Array(tokenizer.decode(ids, skippingSpecialTokens: skipsSpecialTokens).utf8)
    }

    private func added(by text: [UInt8]) -> String {
        String(decoding: text.dropFirst(givenText.count), as: UTF8.self)
    }
}

/// The tokens of one input, in parallel arrays of equal length.
///
/// ``offsets`` and ``wordIDs`` are empty if the options did not ask for them.
public struct Encoding: Sendable, Hashable {
    /// The token ids.
    public var ids: [Int32] = []

    /// The segment of each token: 0, or 1 in the second text of a pair.
    public var typeIDs: [Int32] = []

    /// Where each token comes from: UTF-8 bytes of its own text (of its own word, for words).
    ///
    /// Special tokens put around the text have the range `0..<0`.
    public var offsets: [Range<Int>] = []

    /// The word of its own text that each token belongs to, `nil` for special tokens.
    public var wordIDs: [Int32?] = []

    /// Whether each token was put around the text.
    ///
    /// A special token written *in* the text is not one of these: it has an offset and a word.
    public var isSpecial: [Bool] = []

    /// The number of tokens.
    public var count: Int { ids.count }

    /// Creates an encoding without tokens.
    public init() {}
}

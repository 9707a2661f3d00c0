/// Where among the tokens of a row an answer stands.
public struct TokenSpan: Sendable, Hashable {
    /// Its first token, counted from the row's first; 0 if the row does not hold the answer.
    public let first: Int32
    /// Its last token.
    public let last: Int32

    /// Names tokens.
    package init(first: Int32, last: Int32) { (self.first, self.last) = (first, last) }

    /// No answer: what stands for it is a row's first token.
    static let none = TokenSpan(first: 0, last: 0)
}

/// An answer that stands in a text, as SQuAD gives it.
public struct AnswerSpan: Sendable, Hashable {
    /// The answer.
    public let text: String
    /// Where in the text it begins, counted in characters as Python counts them: Unicode scalars.
    public let start: Int

    /// Names a place in a text.
    public init(text: String, start: Int) { (self.text, self.start) = (text, start) }

    /// The bytes of a text where the answer stands.
    ///
    /// - Parameter text: The text.
    /// - Returns: A range of its UTF-8; `nil` if the answer does not stand there.
    public func bytes(in text: String) -> Range<Int>? {
        let scalars = text.unicodeScalars
        guard start >= 0,
            let first = scalars.index(
                scalars.startIndex,
                offsetBy: start,
                limitedBy: scalars.endIndex
            )
        else { return nil }
        guard text.utf8[first...].starts(with: self.text.utf8) else { return nil }
        let offset = text.utf8.distance(from: text.startIndex, to: first)
        return offset..<offset + self.text.utf8.count
    }
}

/// A step that cuts text into the words that a model sees one by one.
protocol PreTokenizer: Sendable {
    /// Cuts each word further, and may change the text of words.
    func split(_ words: inout Words)
}

/// A text and the ranges of its words, in order and none of them empty.
///
/// Text between words is passed over.
struct Words {
    private(set) var text: NormalizedText
    private(set) var ranges: [Range<Int>]

    /// Creates the words of a text that is not cut yet.
    init(_ text: NormalizedText) {
        self.text = text
        ranges = text.bytes.isEmpty ? [] : [text.bytes.indices]
    }

    /// Where in the source a word begins.
    func sourceStart(of word: Range<Int>) -> Int { text.sourceStart(of: word) }

    /// Cuts each word into those that `cut` appends.
    mutating func split(_ cut: (_ bytes: [UInt8], Range<Int>, inout [Range<Int>]) -> Void) {
        var parts: [Range<Int>] = []
        parts.reserveCapacity(max(ranges.count, text.bytes.count / 4))
        for word in ranges { cut(text.bytes, word, &parts) }
        ranges = parts
    }

    /// Replaces the text by the words that `rewrite` appends to a new one, one for each.
    mutating func rewrite(_ rewrite: (Range<Int>, inout NormalizedText) -> Void) {
        var rewritten = text.emptied()
        for index in ranges.indices {
            let start = rewritten.bytes.count
            rewrite(ranges[index], &rewritten)
            ranges[index] = start..<rewritten.bytes.count
        }
        text = rewritten
    }
}

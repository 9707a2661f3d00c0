/// Puts a space before each part of a text that does not start with one, for its first word to be like others.
///
/// Reference: `add_prefix_space` in `pre_tokenizers/byte_level.rs` of `tokenizers`. The other half of that step,
/// spelling bytes as letters, is done inside the model.
struct ByteLevelPrefix: PreTokenizer {
    func split(_ words: inout Words) {
        let bytes = words.text.bytes
        guard words.ranges.contains(where: { bytes[$0.lowerBound] != 0x20 }) else { return }
        let text = words.text
        words.rewrite { word, rewritten in
            if bytes[word.lowerBound] != 0x20 {
                rewritten.appendPrefix([0x20], to: word, of: text)
            }
            rewritten.append(word, of: text)
        }
    }
}

extension NormalizedText {
    /// Appends a prefix for a part of another text; it comes from where the part's first scalar does.
    mutating func appendPrefix(_ prefix: [UInt8], to part: Range<Int>, of text: NormalizedText) {
        let first = part.lowerBound..<part.lowerBound + text.bytes.width(at: part.lowerBound)
        append(prefix, from: text.sourceRange(of: first))
    }
}

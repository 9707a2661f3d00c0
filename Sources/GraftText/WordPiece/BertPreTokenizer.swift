/// The pre-tokenizer of BERT: words are what stands between white space, and each punctuation mark.
///
/// Reference: `pre_tokenizers/bert.rs` of `tokenizers`.
struct BertPreTokenizer: Sendable {
    private enum Kind {
        case word
        case space
        case punctuation
    }

    private let asciiKinds: [Kind] = (UInt8.min..<0x80).map { kind(of: ScalarTraits(.init($0))) }

    /// Calls `body` with the range of each word in a segment of `bytes`, until it returns `false`.
    @inline(__always)
    func forEachWord(
        in bytes: [UInt8],
        _ segment: Range<Int>,
        _ body: (Range<Int>) -> Bool
    ) {
        var reader = ScalarTraitsReader()
        var start = segment.lowerBound
        var index = start
        while index < segment.upperBound {
            let byte = bytes[index]
            let kind: Kind
            var width = 1
            if byte < 0x80 {
                kind = asciiKinds[Int(byte)]
            } else {
                let (scalar, count) = bytes.scalar(at: index)
                width = count
                kind = Self.kind(of: reader.traits(of: scalar))
            }
            let end = index + width
            if kind != .word {
                if start < index, !body(start..<index) { return }
                if kind == .punctuation, !body(index..<end) { return }
                start = end
            }
            index = end
        }
        if start < index { _ = body(start..<index) }
    }

    @inline(__always)
    private static func kind(of traits: ScalarTraits) -> Kind {
        if traits.flags.contains(.whitespace) { return .space }
        return traits.flags.contains(.punctuation) ? .punctuation : .word
    }
}

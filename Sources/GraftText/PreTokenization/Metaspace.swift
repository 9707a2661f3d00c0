/// Puts a visible letter (`▁`) in place of spaces, and cuts text before each.
///
/// Reference: `pre_tokenizers/metaspace.rs` of `tokenizers`.
struct Metaspace: PreTokenizer {
    /// Where the letter is put before text that does not start with it.
    enum Scheme: String, Sendable, CaseIterable {
        /// Before each part between added tokens.
        case always
        /// Before the start of the text.
        case first
        case never
    }

    let replacement: [UInt8]
    let scheme: Scheme
    let splits: Bool

    func split(_ words: inout Words) {
        let before = words
        let text = before.text
        words.rewrite { word, rewritten in
            let startsWithIt =
                text.bytes[word.lowerBound] == 0x20
                || text.bytes[word].starts(with: replacement)
            let isPrefixed =
                switch scheme {
                case .always: !startsWithIt
                case .first: !startsWithIt && before.sourceStart(of: word) == 0
                case .never: false
                }
            if isPrefixed { rewritten.appendPrefix(replacement, to: word, of: text) }
            rewritten.append(word, of: text, replacing: 0x20, with: replacement)
        }
        guard splits else { return }
        words.split { bytes, word, parts in
            var (start, index) = (word.lowerBound, word.lowerBound)
            while index < word.upperBound {
                if index > start, bytes[index] == replacement[0],
                    bytes[index..<word.upperBound].starts(with: replacement)
                {
                    parts.append(start..<index)
                    start = index
                }
                index += bytes.width(at: index)
            }
            parts.append(start..<index)
        }
    }
}

/// Cuts text at white space, which is left out.
///
/// Reference: `pre_tokenizers/whitespace.rs` of `tokenizers`.
struct WhitespaceSplit: PreTokenizer {
    func split(_ words: inout Words) {
        words.split { bytes, word, parts in
            var reader = ScalarTraitsReader()
            var (start, index) = (word.lowerBound, word.lowerBound)
            while index < word.upperBound {
                let (scalar, width) = bytes.scalar(at: index)
                if reader.traits(of: scalar).flags.contains(.whitespace) {
                    if start < index { parts.append(start..<index) }
                    start = index + width
                }
                index += width
            }
            if start < index { parts.append(start..<index) }
        }
    }
}

extension NormalizedText {
    /// Appends a part of another text with an ASCII character replaced.
    mutating func append(
        _ part: Range<Int>,
        of text: NormalizedText,
        replacing character: UInt8,
        with replacement: [UInt8]
    ) {
        var start = part.lowerBound
        for index in part where text.bytes[index] == character {
            if start < index { append(start..<index, of: text) }
            append(replacement, from: text.sourceRange(of: index..<index + 1))
            start = index + 1
        }
        if start < part.upperBound { append(start..<part.upperBound, of: text) }
    }
}

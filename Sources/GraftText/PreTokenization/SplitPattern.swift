/// The regular expressions that byte-level vocabularies cut text with.
///
/// A file gives its expression as text; it is recognised as one of these, each of which is matched by a
/// scanner written by hand (``SplitScanner``). Another expression is refused: words that are cut
/// nearly as in training spoil a model without a word.
enum SplitPattern: Sendable, Hashable, CaseIterable {
    /// GPT-2, RoBERTa, BART.
    case gpt2
    /// GPT-3.5 and 4, and Llama 3: numbers are cut into threes.
    case threeDigits
    /// As ``threeDigits``, but white space at the end of a text stays together, line ends included.
    case threeDigitsKeepingEnd
    /// Qwen 2: every digit is a word.
    case oneDigit
    /// CLIP: white space is no word.
    case clip

    /// The expressions, as they stand in files.
    var expressions: [String] {
        switch self {
        case .gpt2:
            [
                #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#,
                #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#,
            ]
        case .threeDigits: [Self.caseless(digits: #"\p{N}{1,3}"#)]
        case .threeDigitsKeepingEnd:
            [
                #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"#
                    + #"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"#
            ]
        case .oneDigit: [Self.caseless(digits: #"\p{N}"#)]
        case .clip: [#"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#]
        }
    }

    /// Whether every character belongs to a match.
    var matchesEverything: Bool { self != .clip }

    init?(expression: String) {
        guard let pattern = Self.allCases.first(where: { $0.expressions.contains(expression) })
        else { return nil }
        self = pattern
    }

    private static func caseless(digits: String) -> String {
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }
}

/// Cuts text where a ``SplitPattern`` matches.
struct PatternSplit: PreTokenizer {
    let pattern: SplitPattern

    func split(_ words: inout Words) {
        words.split { bytes, word, parts in
            var scanner = SplitScanner(bytes, end: word.upperBound)
            var start = word.lowerBound
            while start < word.upperBound {
                let match = scanner.match(pattern, at: start)
                if !match.isEmpty { parts.append(match) }
                start = match.upperBound
            }
        }
    }
}

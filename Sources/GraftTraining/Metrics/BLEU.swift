internal import Foundation
internal import GraftText

/// BLEU: how many runs of one to four words of a text its references have too.
///
/// Words are those of `mteval-v13a`. Counts are added up over the whole corpus; an order without a match counts as half a
/// match, the next such order as a quarter (`exp` smoothing).
///
/// Reference: Papineni et al., [BLEU](https://aclanthology.org/P02-1040/), section 2; `BLEU` and `Tokenizer13a` of sacrebleu
/// 2.6 with their defaults.
public enum BLEU {
    private static let order = 4

    /// Returns the score of a corpus.
    ///
    /// - Parameters:
    ///   - predictions: A text for each row.
    ///   - references: Reference texts for each row, at least one.
    /// - Returns: From 0 to 100.
    public static func score(_ predictions: [String], references: [[String]]) -> Double {
        precondition(predictions.count == references.count, "each row has references")
        var (correct, total) = (
            [Int](repeating: 0, count: order), [Int](repeating: 0, count: order)
        )
        var (length, referenceLength) = (0, 0)
        for (prediction, texts) in zip(predictions, references) {
            let words = words(of: prediction)
            let others = texts.map(self.words)
            length += words.count
            referenceLength += closest(others.map(\.count), to: words.count)
            for size in 1...order {
                var counts = NGramCounts<ArraySlice<[UInt8]>>([])
                for other in others { counts.formUnion(NGramCounts(other.nGrams(size))) }
                correct[size - 1] += NGramCounts(words.nGrams(size)).shared(with: counts)
                total[size - 1] += max(0, words.count - size + 1)
            }
        }
        return score(correct, total, length: length, referenceLength: referenceLength)
    }

    private static func score(
        _ correct: [Int],
        _ total: [Int],
        length: Int,
        referenceLength: Int
    ) -> Double {
        guard correct.contains(where: { $0 > 0 }), !total.contains(0) else { return 0 }
        var smoothing = 1.0
        var logarithms = 0.0
        for (correct, total) in zip(correct, total) {
            if correct == 0 {
                smoothing *= 2
                logarithms += log(100 / (smoothing * Double(total)))
            } else {
                logarithms += log(100 * Double(correct) / Double(total))
            }
        }
        let ratio = Double(referenceLength) / Double(length)
        let brevityPenalty = length < referenceLength ? exp(1 - ratio) : 1
        return brevityPenalty * exp(logarithms / Double(order))
    }

    /// The length closest to `length`, of two such the shorter.
    private static func closest(_ lengths: [Int], to length: Int) -> Int {
        lengths.min { (abs($0 - length), $0) < (abs($1 - length), $1) } ?? 0
    }

    /// The words of a text, by the rules of `mteval-v13a`.
    static func words(of text: String) -> [[UInt8]] {
        var line = Array(text.unicodeScalars)
        while line.last?.isPythonSpace == true { line.removeLast() }
        line = line.replacing("<skipped>", with: "").replacing("-\n", with: "")
            .replacing("\n", with: " ")
        for (entity, character) in [
            ("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"),
        ] {
            line = line.replacing(entity, with: character)
        }
        line = [" "] + line + [" "]
        line = line.flatMap { $0.isSeparated ? [" ", $0, " "] : [$0] }
        // Each pass takes matches from left to right that do not overlap, as a regular expression does.
        line = line.replacingPairs {
            !$0.isDigit && $1.isPeriodOrComma
        } with: {
            [$0, " ", $1, " "]
        }
        line = line.replacingPairs {
            $0.isPeriodOrComma && !$1.isDigit
        } with: {
            [" ", $0, " ", $1]
        }
        line = line.replacingPairs {
            $0.isDigit && $1 == "-"
        } with: {
            [$0, " ", $1, " "]
        }
        var scalars = String.UnicodeScalarView()
        scalars.append(contentsOf: line)
        return String(scalars).wordsInUTF8
    }
}

extension Unicode.Scalar {
    fileprivate var isDigit: Bool { ("0"..."9").contains(self) }

    fileprivate var isPeriodOrComma: Bool { self == "." || self == "," }

    /// ASCII punctuation but for `'`, `,`, `-`, `.`: always a word of its own.
    fileprivate var isSeparated: Bool {
        switch self {
        case "{"..."~", "["..."`", " "..."&", "("..."+", ":"..."@", "/": true
        default: false
        }
    }
}

extension [Unicode.Scalar] {
    fileprivate func replacing(_ pattern: String, with content: String) -> [Unicode.Scalar] {
        let (pattern, content) = (Array(pattern.unicodeScalars), Array(content.unicodeScalars))
        var result: [Unicode.Scalar] = []
        var index = 0
        while index < count {
            if self[index...].starts(with: pattern) {
                result += content
                index += pattern.count
            } else {
                result.append(self[index])
                index += 1
            }
        }
        return result
    }

    fileprivate func replacingPairs(
        _ matches: (Unicode.Scalar, Unicode.Scalar) -> Bool,
        with content: (Unicode.Scalar, Unicode.Scalar) -> [Unicode.Scalar]
    ) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var index = 0
        while index < count {
            if index + 1 < count, matches(self[index], self[index + 1]) {
                result += content(self[index], self[index + 1])
                index += 2
            } else {
                result.append(self[index])
                index += 1
            }
        }
        return result
    }
}

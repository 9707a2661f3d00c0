/// How well answers to questions agree with references, by the rules of SQuAD.
///
/// Case, ASCII punctuation, the words *a*, *an* and *the* and white space do not count. Of several references the one
/// that fits best counts.
///
/// Reference: Rajpurkar et al., [SQuAD](https://arxiv.org/abs/1606.05250), section 5.1; `squad_metrics.py` of
/// `transformers` 4.57.
public enum AnswerMetrics {
    /// Whether an answer equals one of the references.
    ///
    /// - Parameters:
    ///   - prediction: The answer.
    ///   - references: Right answers.
    /// - Returns: 1 if it does, else 0.
    public static func exactMatch(_ prediction: String, _ references: [String]) -> Double {
        let words = words(of: prediction)
        return references.contains { self.words(of: $0) == words } ? 1 : 0
    }

    /// The F1 of the words that an answer shares with the reference that fits best.
    ///
    /// - Parameters:
    ///   - prediction: The answer.
    ///   - references: Right answers; an empty one is matched by an empty answer alone.
    /// - Returns: From 0 to 1; 0 without references.
    public static func tokenF1(_ prediction: String, _ references: [String]) -> Double {
        let words = words(of: prediction)
        return references.map { f1(words, self.words(of: $0)) }.max() ?? 0
    }

    private static func f1(_ prediction: [[UInt8]], _ reference: [[UInt8]]) -> Double {
        guard !prediction.isEmpty, !reference.isEmpty else {
            return prediction == reference ? 1 : 0
        }
        let shared = NGramCounts(prediction).shared(with: NGramCounts(reference))
        guard shared > 0 else { return 0 }
        let precision = Double(shared) / Double(prediction.count)
        let recall = Double(shared) / Double(reference.count)
        return 2 * precision * recall / (precision + recall)
    }

    /// The words that count, in UTF-8: `String` takes different spellings of a letter for equal, and the reference does not.
    private static func words(of text: String) -> [[UInt8]] {
        var kept = String.UnicodeScalarView()
        for scalar in text.lowercased().unicodeScalars where !scalar.isASCIIPunctuation {
            kept.append(scalar)
        }
        var result = String.UnicodeScalarView()
        var rest = kept[...]
        while let first = rest.first {
            let isWord = first.isWord
            let run = rest.prefix { $0.isWord == isWord }
            if isWord, ["a", "an", "the"].contains(String(run)) {
                result.append(" ")
            } else {
                result.append(contentsOf: run)
            }
            rest = rest.dropFirst(run.count)
        }
        return String(result).wordsInUTF8
    }
}

extension Unicode.Scalar {
    fileprivate var isASCIIPunctuation: Bool {
        switch self {
        case "!"..."/", ":"..."@", "["..."`", "{"..."~": true
        default: false
        }
    }

    /// What `\w` of Python matches, the underscore aside.
    fileprivate var isWord: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            true
        default: properties.numericType != nil
        }
    }
}

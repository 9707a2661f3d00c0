/// ROUGE-L: the F1 of the longest sequence of words that a text and a reference have in common, gaps allowed.
///
/// Words are runs of ASCII letters and digits in lower case, as in the original; texts in other scripts have none.
///
/// Reference: Lin, [ROUGE](https://aclanthology.org/W04-1013/), section 3.1; `rouge_scorer.py` of rouge-score 0.1.2 without
/// stemming.
public enum RougeL {
    /// Returns the score of a text, against the reference that fits best.
    ///
    /// - Parameters:
    ///   - prediction: The text.
    ///   - references: Reference texts.
    /// - Returns: From 0 to 1; 0 without references.
    public static func score(_ prediction: String, references: [String]) -> Double {
        let words = words(of: prediction)
        return references.map { f1(words, self.words(of: $0)) }.max() ?? 0
    }

    private static func words(of text: String) -> [Substring.UTF8View] {
        text.lowercased().utf8.split { byte in
            !(0x30...0x39).contains(byte) && !(0x61...0x7A).contains(byte)
        }.map { Substring($0).utf8 }
    }

    private static func f1(_ prediction: [Substring.UTF8View], _ reference: [Substring.UTF8View])
        -> Double
    {
        guard !prediction.isEmpty, !reference.isEmpty else { return 0 }
        let common = Double(longestCommonSubsequence(prediction, reference))
        guard common > 0 else { return 0 }
        let precision = common / Double(prediction.count)
        let recall = common / Double(reference.count)
        return 2 * precision * recall / (precision + recall)
    }

    /// The length of the longest common subsequence, in two rows of the table.
    private static func longestCommonSubsequence(
        _ a: [Substring.UTF8View],
        _ b: [Substring.UTF8View]
    ) -> Int {
        var above = [Int](repeating: 0, count: b.count + 1)
        for word in a {
            var row = [0]
            row.reserveCapacity(b.count + 1)
            for (index, other) in b.enumerated() {
                let isEqual = word.elementsEqual(other)
                row.append(isEqual ? above[index] + 1 : max(above[index + 1], row[index]))
            }
            above = row
        }
        return above[b.count]
    }
}

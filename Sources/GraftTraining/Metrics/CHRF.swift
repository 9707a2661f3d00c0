internal import GraftText

/// chrF: the F-score of the runs of one to six characters that a text shares with a reference, recall counting double.
///
/// White space does not count. Of several references the one that fits best counts; counts are added up over the corpus.
///
/// Reference: Popović, [chrF](https://aclanthology.org/W15-3049/), section 2; `CHRF` of sacrebleu 2.6 with its defaults.
public enum CHRF {
    private static let order = 6
    private static let beta = 2.0

    /// The runs of one length in a text, in its reference, and in both.
    private struct Counts {
        var prediction = 0
        var reference = 0
        var shared = 0
    }

    /// Returns the score of a corpus.
    ///
    /// - Parameters:
    ///   - predictions: A text for each row.
    ///   - references: Reference texts for each row, at least one.
    /// - Returns: From 0 to 100.
    public static func score(_ predictions: [String], references: [[String]]) -> Double {
        precondition(predictions.count == references.count, "each row has references")
        var sums = [Counts](repeating: Counts(), count: order)
        for (prediction, texts) in zip(predictions, references) {
            let runs = runs(of: prediction)
            let candidates = texts.map { counts(runs, self.runs(of: $0)) }
            var best: (score: Double, counts: [Counts])?
            for candidate in candidates {
                let score = score(candidate)
                if score > best?.score ?? -1 { best = (score, candidate) }
            }
            for (index, counts) in (best?.counts ?? []).enumerated() {
                sums[index].prediction += counts.prediction
                sums[index].reference += counts.reference
                sums[index].shared += counts.shared
            }
        }
        return score(sums)
    }

    private static func runs(of text: String) -> [NGramCounts<ArraySlice<Unicode.Scalar>>] {
        let scalars = text.unicodeScalars.filter { !$0.isPythonSpace }
        return (1...order).map { NGramCounts(Array(scalars).nGrams($0)) }
    }

    private static func counts(
        _ prediction: [NGramCounts<ArraySlice<Unicode.Scalar>>],
        _ reference: [NGramCounts<ArraySlice<Unicode.Scalar>>]
    ) -> [Counts] {
        zip(prediction, reference).map { prediction, reference in
            // A length that the reference does not have says nothing about the text.
            Counts(
                prediction: reference.counts.isEmpty ? 0 : prediction.total,
                reference: reference.total,
                shared: prediction.shared(with: reference)
            )
        }
    }

    private static func score(_ counts: [Counts]) -> Double {
        var (precision, recall, orders) = (0.0, 0.0, 0.0)
        for counts in counts where counts.prediction > 0 && counts.reference > 0 {
            precision += Double(counts.shared) / Double(counts.prediction)
            recall += Double(counts.shared) / Double(counts.reference)
            orders += 1
        }
        guard orders > 0, precision + recall > 0 else { return 0 }
        precision /= orders
        recall /= orders
        let factor = beta * beta
        return 100 * (1 + factor) * precision * recall / (factor * precision + recall)
    }
}

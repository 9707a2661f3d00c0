/// A figure of merit, under the name that reports use.
public enum Metric: String, Sendable, Hashable, Codable, CaseIterable {
    /// The share of rows whose class is right.
    case accuracy
    /// The F1 of class 1, the positive one of two.
    case f1
    /// The mean of the classes' F1, over the classes that occur among labels or predictions.
    case f1Macro = "f1_macro"
    /// The F1 of all decisions pooled. With one class per row this equals the accuracy.
    case f1Micro = "f1_micro"
    /// The mean of the classes' F1, each weighted by how many rows have that class.
    case f1Weighted = "f1_weighted"
    /// The precision: of class 1 with two classes, else the mean over the classes that occur.
    case precision
    /// The recall: of class 1 with two classes, else the mean over the classes that occur.
    case recall
    /// Matthews' correlation coefficient, for more than two classes in Gorodkin's form.
    case matthews
    /// The share of rows whose set of classes is right as a whole.
    case subsetAccuracy = "subset_accuracy"
    /// Pearson's correlation of predictions and labels.
    case pearson
    /// Spearman's rank correlation of predictions and labels.
    case spearman
    /// The mean squared error.
    case mse
    /// The mean absolute error.
    case mae
    /// The F1 of whole entities, right in both extent and type.
    case entityF1 = "entity_f1"
    /// The share of predicted entities that are right.
    case entityPrecision = "entity_precision"
    /// The share of labelled entities that were found.
    case entityRecall = "entity_recall"
    /// The share of words whose tag is right.
    case tokenAccuracy = "token_accuracy"
    /// The share of answers that equal a reference, case, articles and punctuation aside.
    case exactMatch = "exact_match"
    /// The mean F1 of the words that an answer shares with a reference.
    case tokenF1 = "token_f1"
    /// The mean F1 of the longest common subsequence of words.
    case rougeL = "rouge_l"
    /// BLEU of the whole, from 0 to 100.
    case bleu
    /// chrF of the whole, from 0 to 100.
    case chrf
    /// The exponential of the mean loss of a token.
    case perplexity
    /// The loss in bits, shared out over the bytes of the text: comparable between tokenizers.
    case bitsPerByte = "bits_per_byte"
    /// The share of queries whose best candidate is right; of images and texts, the mean of both directions.
    case recallAt1 = "recall_at_1"
    /// The share of queries with a right one among the 5 best candidates, likewise.
    case recallAt5 = "recall_at_5"
    /// The share of queries with a right one among the 10 best candidates, likewise.
    case recallAt10 = "recall_at_10"
    /// The share of texts whose best image is theirs.
    case imageRecallAt1 = "image_recall_at_1"
    /// The share of texts whose image is among the 5 best.
    case imageRecallAt5 = "image_recall_at_5"
    /// The share of texts whose image is among the 10 best.
    case imageRecallAt10 = "image_recall_at_10"
    /// The share of images whose best text is one of theirs.
    case textRecallAt1 = "text_recall_at_1"
    /// The share of images with a text of theirs among the 5 best.
    case textRecallAt5 = "text_recall_at_5"
    /// The share of images with a text of theirs among the 10 best.
    case textRecallAt10 = "text_recall_at_10"
    /// The mean loss over the evaluated rows, which only the model can tell.
    case loss

    /// Whether more is better; if not, less is.
    public var higherIsBetter: Bool {
        switch self {
        case .mse, .mae, .loss, .perplexity, .bitsPerByte: false
        default: true
        }
    }

    /// Whether `candidate` beats `best`, as when the best epoch is kept.
    ///
    /// A figure that is not a number (the correlation of constant predictions, say) beats nothing, and
    /// every number beats it.
    public func prefers(_ candidate: Double, over best: Double) -> Bool {
        if candidate.isNaN { return false }
        if best.isNaN { return true }
        return higherIsBetter ? candidate > best : candidate < best
    }
}

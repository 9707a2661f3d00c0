internal import Foundation

/// What the loss of a language model amounts to.
public enum LanguageModelMetrics {
    /// Returns the perplexity: among how many tokens the model hesitates, on average.
    ///
    /// - Parameter meanLoss: The mean negative natural logarithm of the probability of a token.
    /// - Returns: At least 1 for a loss that is not negative.
    public static func perplexity(meanLoss: Double) -> Double { exp(meanLoss) }

    /// Returns how many bits the model needs for a byte of text, which does not depend on the tokenizer.
    ///
    /// - Parameters:
    ///   - totalLoss: The sum of the negative natural logarithms of the tokens' probabilities.
    ///   - byteCount: The size of the text in UTF-8.
    /// - Returns: Not a number for an empty text.
    public static func bitsPerByte(totalLoss: Double, byteCount: Int) -> Double {
        byteCount == 0 ? .nan : totalLoss / (Double(byteCount) * log(2))
    }
}

/// Scores a language model.
///
/// - Parameters:
///   - losses: Each row's loss, summed over the tokens that were to be written.
///   - targets: These tokens.
/// - Returns: The perplexity and, where it is known what text the tokens stand for, the bits for a byte of it.
/// - Throws: ``MetricsError/noRows`` if there is nothing to score.
func languageMetrics(_ losses: [Double], _ targets: TokenTargets) throws(MetricsError) -> Metrics {
    try checkCounts(losses.count, targets.byteCounts.count)
    let total = losses.reduce(0, +)
    let tokens = losses.indices.reduce(0) { $0 + targets.count($1) }
    var metrics = Metrics([
        .perplexity: LanguageModelMetrics.perplexity(meanLoss: share(total, of: Double(tokens)))
    ])
    let bytes = targets.byteCounts.reduce(0, +)
    if bytes > 0 {
        metrics[.bitsPerByte] = LanguageModelMetrics.bitsPerByte(totalLoss: total, byteCount: bytes)
    }
    return metrics
}

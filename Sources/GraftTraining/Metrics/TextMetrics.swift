/// Scores texts that were written against those that were wanted.
///
/// - Parameters:
///   - texts: What was written for each row.
///   - references: The right answers of each row, at least one.
/// - Returns: Exact match and F1 of words by the rules of SQuAD, ROUGE-L, BLEU and chrF.
/// - Throws: ``MetricsError`` if there is nothing to score or the counts differ.
public func textMetrics(
    _ texts: [String],
    references: [[String]]
) throws(MetricsError) -> Metrics {
    var metrics = try answerMetrics(texts, references: references)
    metrics[.rougeL] = mean(texts, references) { RougeL.score($0, references: $1) }
    metrics[.bleu] = BLEU.score(texts, references: references)
    metrics[.chrf] = CHRF.score(texts, references: references)
    return metrics
}

/// Scores answers to questions by the rules of SQuAD.
///
/// - Parameters:
///   - answers: What was answered to each question; an empty text for none.
///   - references: The right answers of each, an empty text where there is none.
/// - Returns: Exact match and F1 of words.
/// - Throws: ``MetricsError`` if there is nothing to score or the counts differ.
public func answerMetrics(
    _ answers: [String],
    references: [[String]]
) throws(MetricsError) -> Metrics {
    try checkCounts(answers.count, references.count)
    return Metrics([
        .exactMatch: mean(answers, references, AnswerMetrics.exactMatch),
        .tokenF1: mean(answers, references, AnswerMetrics.tokenF1),
    ])
}

private func mean(
    _ texts: [String],
    _ references: [[String]],
    _ score: (String, [String]) -> Double
) -> Double {
    zip(texts, references).reduce(0) { $0 + score($1.0, $1.1) } / Double(texts.count)
}

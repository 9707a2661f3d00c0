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
    try checkCounts(texts.count, references.count)
    func mean(_ score: (String, [String]) -> Double) -> Double {
        zip(texts, references).reduce(0) { $0 + score($1.0, $1.1) } / Double(texts.count)
    }
    return Metrics([
        .exactMatch: mean(AnswerMetrics.exactMatch),
        .tokenF1: mean(AnswerMetrics.tokenF1),
        .rougeL: mean { RougeL.score($0, references: $1) },
        .bleu: BLEU.score(texts, references: references),
        .chrf: CHRF.score(texts, references: references),
    ])
}

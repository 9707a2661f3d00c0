/// Scores choices.
///
/// - Parameters:
///   - chosen: The number of what was chosen in each row.
///   - right: The number of the right choice.
/// - Returns: The accuracy.
/// - Throws: ``MetricsError`` if there is nothing to score or the counts differ.
func choiceMetrics(_ chosen: [Int], right: [Int]) throws(MetricsError) -> Metrics {
    try checkCounts(chosen.count, right.count)
    let hits = zip(chosen, right).count { $0 == $1 }
    return Metrics([.accuracy: Double(hits) / Double(right.count)])
}

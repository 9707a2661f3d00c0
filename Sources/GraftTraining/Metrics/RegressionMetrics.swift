/// Evaluates predicted numbers: both correlations, and the mean squared and absolute errors.
///
/// A correlation is not a number if either side is constant, if there are fewer than two rows, or if an input is
/// not a number; SciPy says the same.
///
/// - Parameters:
///   - predictions: The predicted number of each row.
///   - labels: The true number of each row.
/// - Returns: Both correlations and both errors.
/// - Throws: ``MetricsError`` if there are no rows or the counts differ.
public func regressionMetrics(
    predictions: [Double],
    labels: [Double]
) throws(MetricsError) -> Metrics {
    try checkCounts(predictions.count, labels.count)
    let differences = zip(predictions, labels).map { $0 - $1 }
    let count = Double(labels.count)
    return Metrics([
        .pearson: pearson(predictions, labels),
        .spearman: spearman(predictions, labels),
        .mse: differences.reduce(0) { $0 + $1 * $1 } / count,
        .mae: differences.reduce(0) { $0 + abs($1) } / count,
    ])
}

private func pearson(_ x: [Double], _ y: [Double]) -> Double {
    guard let x = unitDeviations(x), let y = unitDeviations(y) else { return .nan }
    let correlation = zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
    return correlation.isNaN ? .nan : min(max(correlation, -1), 1)
}

/// The deviations from the mean, as a vector of length 1; nil if all values are equal.
///
/// They are divided by the largest first, so that squares neither overflow nor vanish.
private func unitDeviations(_ values: [Double]) -> [Double]? {
    guard values.contains(where: { $0 != values[0] }) else { return nil }
    let mean = values.reduce(0, +) / Double(values.count)
    let deviations = values.map { $0 - mean }
    let scale = deviations.reduce(0) { max($0, abs($1)) }
    let scaled = deviations.map { $0 / scale }
    let length = scaled.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return scaled.map { $0 / length }
}

private func spearman(_ x: [Double], _ y: [Double]) -> Double {
    guard !x.contains(where: \.isNaN), !y.contains(where: \.isNaN) else { return .nan }
    return pearson(ranks(x), ranks(y))
}

/// Ranks from 1; equal values share the mean of their ranks.
private func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = Array(repeating: 0.0, count: values.count)
    var start = 0
    while start < order.count {
        let value = values[order[start]]
        let end = order[start...].firstIndex { values[$0] != value } ?? order.count
        for index in order[start..<end] { ranks[index] = Double(start + 1 + end) / 2 }
        start = end
    }
    return ranks
}

/// Evaluates predictions of one class per row.
///
/// Accuracy, macro, micro and weighted F1, precision, recall and Matthews' correlation, as scikit-learn
/// computes them, and the confusion matrix. With two classes, class 1 is the positive one, `f1` is its F1, and
/// precision and recall are its own; with any other number they are means over the classes. As in
/// scikit-learn, means leave out a class that neither a label nor a prediction names.
///
/// - Parameters:
///   - predictions: The predicted class of each row.
///   - labels: The true class of each row.
///   - names: The names of the classes; their count is the number of classes.
/// - Returns: The figures, and the confusion matrix.
/// - Throws: ``MetricsError`` if there are no rows, the counts differ, or a class has no name.
public func classificationMetrics(
    predictions: [Int],
    labels: [Int],
    names: [String]
) throws(MetricsError) -> Metrics {
    let confusion = try ConfusionMatrix(predictions: predictions, labels: labels, names: names)
    let tallies = names.indices.map(confusion.tally)
    let right = Double(tallies.reduce(0) { $0 + $1.truePositives })
    let accuracy = right / Double(labels.count)
    let (precision, recall, macro) = means(tallies.filter { $0 != Tally() })
    let weighted = tallies.reduce(0) { $0 + $1.f1 * Double($1.support) }
    var metrics = Metrics(
        [
            .accuracy: accuracy, .f1Micro: accuracy, .f1Macro: macro,
            .f1Weighted: weighted / Double(labels.count),
            .precision: precision, .recall: recall, .matthews: matthews(confusion),
        ],
        confusion: confusion
    )
    if tallies.count == 2 {
        metrics[.f1] = tallies[1].f1
        metrics[.precision] = tallies[1].precision
        metrics[.recall] = tallies[1].recall
    }
    return metrics
}

/// Evaluates predictions of any number of classes per row.
///
/// Micro F1 pools the decisions about every class, macro F1 is the mean over all classes, including those that
/// never occur (whose F1 is 0), and subset accuracy asks for the whole set. Precision and recall
/// are those of the pooled decisions.
///
/// - Parameters:
///   - predictions: The predicted classes of each row, in any order.
///   - labels: The true classes of each row, in any order.
///   - names: The names of the classes.
/// - Returns: The figures, without a confusion matrix.
/// - Throws: ``MetricsError`` if there are no rows, the counts differ, or a class has no name.
public func multiLabelMetrics(
    predictions: [[Int]],
    labels: [[Int]],
    names: [String]
) throws(MetricsError) -> Metrics {
    try checkCounts(predictions.count, labels.count)
    var tallies = Array(repeating: Tally(), count: names.count)
    var exact = 0
    for row in labels.indices {
        let (predicted, wanted) = (Set(predictions[row]), Set(labels[row]))
        exact += predicted == wanted ? 1 : 0
        for number in predicted.union(wanted) {
            guard names.indices.contains(number) else {
                throw .unknownClass(number, row: row, classes: names.count)
            }
            switch (predicted.contains(number), wanted.contains(number)) {
            case (true, true): tallies[number].truePositives += 1
            case (true, false): tallies[number].falsePositives += 1
            default: tallies[number].falseNegatives += 1
            }
        }
    }
    let pooled = tallies.reduce(into: Tally()) { $0 += $1 }
    let weighted = tallies.reduce(0) { $0 + $1.f1 * Double($1.support) }
    return Metrics([
        .subsetAccuracy: Double(exact) / Double(labels.count),
        .f1Micro: pooled.f1, .f1Macro: means(tallies).f1,
        .f1Weighted: share(weighted, of: Double(pooled.support)),
        .precision: pooled.precision, .recall: pooled.recall,
    ])
}

private func means(_ tallies: [Tally]) -> (precision: Double, recall: Double, f1: Double) {
    func mean(_ value: (Tally) -> Double) -> Double {
        share(tallies.reduce(0) { $0 + value($1) }, of: Double(tallies.count))
    }
    return (mean(\.precision), mean(\.recall), mean(\.f1))
}

/// Gorodkin's correlation of K classes, which for two is Matthews'; 0 where either side is constant.
///
/// Reference: Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", 2004.
private func matthews(_ confusion: ConfusionMatrix) -> Double {
    let classes = confusion.names.indices
    let truth = classes.map { Double(confusion.counts[$0].reduce(0, +)) }
    let predicted = classes.map { column in confusion.counts.reduce(0) { $0 + Double($1[column]) } }
    let right = classes.reduce(0) { $0 + Double(confusion.counts[$1][$1]) }
    let total = truth.reduce(0, +)

    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    let covariance = right * total - dot(truth, predicted)
    let spread = (total * total - dot(predicted, predicted)) * (total * total - dot(truth, truth))
    return share(covariance, of: spread.squareRoot())
}

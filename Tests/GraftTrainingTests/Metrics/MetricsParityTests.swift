import GraftTraining
import Testing

// Tools/reference/metrics.py, seed 0
@Suite("Metrics against scikit-learn 1.9.1, SciPy 1.17.1, seqeval 1.2.2")
struct MetricsParityTests {
    @Test(arguments: MetricsFixture.shared.classification)
    func `classification equals the reference`(sample: ClassificationSample) throws {
        let metrics = try classificationMetrics(
            predictions: sample.predictions,
            labels: sample.labels,
            names: sample.names
        )
        expectEqual(metrics, sample.expected)
        #expect(metrics.confusion?.counts == sample.confusion)
    }

    @Test(arguments: MetricsFixture.shared.multiLabel)
    func `multi-label classification equals the reference`(sample: MultiLabelSample) throws {
        let names = (0..<sample.classes).map { "class \($0)" }
        let metrics = try multiLabelMetrics(
            predictions: sample.predictions,
            labels: sample.labels,
            names: names
        )
        expectEqual(metrics, sample.expected)
    }

    @Test(arguments: MetricsFixture.shared.regression)
    func `regression equals the reference`(sample: RegressionSample) throws {
        let metrics = try regressionMetrics(
            predictions: sample.predictions.map { $0 ?? .nan },
            labels: sample.labels.map { $0 ?? .nan }
        )
        expectEqual(metrics, sample.expected)
    }

    @Test(arguments: MetricsFixture.shared.tagging)
    func `tagging equals the reference`(sample: TaggingSample) throws {
        let metrics = try taggingMetrics(predictions: sample.predictions, labels: sample.labels)
        expectEqual(metrics, sample.expected)
    }

    /// Every figure, to a relative 1e-12, and no figure besides.
    private func expectEqual(
        _ metrics: Metrics,
        _ expected: [String: Double?],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(
            Set(metrics.values.keys.map(\.rawValue)) == Set(expected.keys),
            sourceLocation: sourceLocation
        )
        for (metric, value) in metrics.ordered {
            let wanted = (expected[metric.rawValue] ?? nil) ?? .nan
            let isClose = abs(value - wanted) <= 1e-12 * max(1, abs(wanted))
            #expect(
                isClose || (value.isNaN && wanted.isNaN),
                "\(metric.rawValue) is \(value), the reference says \(wanted)",
                sourceLocation: sourceLocation
            )
        }
    }
}

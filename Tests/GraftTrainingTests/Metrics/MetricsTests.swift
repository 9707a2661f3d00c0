import Foundation
import GraftTraining
import Testing

@Suite struct MetricsTests {
    @Test func `the fixture has samples of every kind`() throws {
        let fixture = try MetricsFixture.load()
        #expect(fixture.classification.count == 16)
        #expect(fixture.multiLabel.count == 5)
        #expect(fixture.regression.count == 11)
        #expect(fixture.tagging.count == 12)
    }

    @Test func `no rows are an error`() {
        #expect(throws: MetricsError.noRows) {
            try classificationMetrics(predictions: [], labels: [], names: ["a"])
        }
        #expect(throws: MetricsError.noRows) {
            try multiLabelMetrics(predictions: [], labels: [], names: ["a"])
        }
        #expect(throws: MetricsError.noRows) { try regressionMetrics(predictions: [], labels: []) }
        #expect(throws: MetricsError.noRows) { try taggingMetrics(predictions: [[]], labels: [[]]) }
    }

    @Test func `as many predictions as labels are wanted`() {
        #expect(throws: MetricsError.countMismatch(predictions: 1, labels: 2, row: nil)) {
            try classificationMetrics(predictions: [0], labels: [0, 0], names: ["a"])
        }
        #expect(throws: MetricsError.countMismatch(predictions: 1, labels: 2, row: 1)) {
            try taggingMetrics(predictions: [["O"], ["O"]], labels: [["O"], ["O", "O"]])
        }
    }

    @Test func `a class without a name is an error`() {
        #expect(throws: MetricsError.unknownClass(2, row: 1, classes: 2)) {
            try classificationMetrics(predictions: [0, 2], labels: [0, 0], names: ["a", "b"])
        }
        #expect(throws: MetricsError.unknownClass(-1, row: 0, classes: 2)) {
            try multiLabelMetrics(predictions: [[]], labels: [[-1]], names: ["a", "b"])
        }
        #expect(throws: MetricsError.unknownClass(7, row: 0, classes: 1)) {
            try taggingMetrics(predictions: [[0]], labels: [[7]], names: ["O"])
        }
    }

    @Test func `errors say in one line what to do`() {
        let errors: [MetricsError] = [
            .noRows, .countMismatch(predictions: 1, labels: 2, row: 3),
            .unknownClass(4, row: 1, classes: 2),
        ]
        #expect(
            errors.map(\.description) == [
                "there are no rows to evaluate (hint: is the evaluation file empty?)",
                "row 3: 1 predictions for 2 labels (hint: both must be in the same order)",
                "row 1: class 4 is not one of the 2 classes "
                    + "(hint: do model and data have the same label names?)",
            ]
        )
    }

    @Test func `tags as numbers count as their names`() throws {
        let names = ["O", "B-A", "I-A"]
        let byNumber = try taggingMetrics(
            predictions: [[1, 2, 0]],
            labels: [[1, 2, 2]],
            names: names
        )
        let byName = try taggingMetrics(
            predictions: [["B-A", "I-A", "O"]],
            labels: [["B-A", "I-A", "I-A"]]
        )
        #expect(byNumber == byName)
        #expect(byName[.entityF1] == 0)
        #expect(byName[.tokenAccuracy] == 2.0 / 3.0)
    }

    @Test func `entities are spans of words`() {
        #expect(
            Entity.all(in: ["O", "B-PER", "I-PER", "I-LOC", "O", "S-ORG"]) == [
                Entity(type: "PER", words: 1..<3), Entity(type: "LOC", words: 3..<4),
                Entity(type: "ORG", words: 5..<6),
            ]
        )
        #expect(Entity.all(in: []).isEmpty)
    }

    @Test func `the better of two figures depends on the metric`() {
        #expect(Metric.accuracy.prefers(0.9, over: 0.8))
        #expect(!Metric.mse.prefers(0.9, over: 0.8))
        #expect(Metric.loss.prefers(0.8, over: 0.9))
        #expect(!Metric.accuracy.prefers(0.8, over: 0.8))
    }

    @Test(arguments: Metric.allCases)
    func `not a number is worse than any number`(metric: Metric) {
        #expect(!metric.prefers(.nan, over: 0))
        #expect(metric.prefers(0, over: .nan))
        #expect(!metric.prefers(.nan, over: .nan))
    }

    @Test func `metrics survive JSON`() throws {
        let metrics = try classificationMetrics(
            predictions: [0, 1, 1],
            labels: [0, 1, 0],
            names: ["no", "yes"]
        )
        let data = try JSONEncoder().encode(metrics)
        #expect(try JSONDecoder().decode(Metrics.self, from: data) == metrics)
    }

    @Test func `a figure that is not a number is null in JSON`() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let data = try encoder.encode(Metrics([.pearson: .nan, .mse: 0.5]))
        #expect(String(decoding: data, as: UTF8.self) == #"{"mse":0.5,"pearson":null}"#)
        let back = try JSONDecoder().decode(Metrics.self, from: data)
        #expect(back[.pearson]?.isNaN == true)
        #expect(back[.mse] == 0.5)
    }

    @Test func `an unknown metric in JSON is an error`() {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(Metrics.self, from: Data(#"{"acuracy": 1}"#.utf8))
        }
    }

    @Test func `metrics come in one order`() {
        let metrics = Metrics([.mae: 1, .accuracy: 2, .f1Macro: 3])
        #expect(metrics.ordered.map(\.metric) == [.accuracy, .f1Macro, .mae])
    }
}

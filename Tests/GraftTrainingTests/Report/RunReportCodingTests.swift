import Foundation
import GraftTraining
import Testing

@Suite("A run report as JSON")
struct RunReportCodingTests {
    @Test func `comes back as it was`() throws {
        let report = RunReport.complete(labels: ["no", "yes"])
        #expect(try RunReport(encoded: report.encoded()) == report)
    }

    @Test func `keeps losses that are not finite`() throws {
        var report = RunReport.complete(labels: ["no", "yes"])
        report.steps[0].loss = .infinity
        report.steps[1].loss = .nan
        let read = try RunReport(encoded: report.encoded())
        #expect(read.steps[0].loss == .infinity)
        #expect(read.steps[1].loss.isNaN)
    }

    @Test func `refuses a confusion matrix that is not square`() {
        let text = Data(#"{"names": ["no", "yes"], "counts": [[1, 2], [3]]}"#.utf8)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(ConfusionMatrix.self, from: text)
        }
    }

    @Test func `ranks confusions by count and leaves the diagonal out`() throws {
        let matrix = try ConfusionMatrix(
            predictions: [0, 0, 0, 0, 0, 1, 2, 2, 2, 0],
            labels: [0, 0, 0, 0, 0, 0, 1, 1, 1, 2],
            names: ["a", "b", "c"]
        )
        let ranked = matrix.confusions(limit: 2)
        #expect(ranked.map(\.gold) == ["b", "a"])
        #expect(ranked.map(\.predicted) == ["c", "b"])
        #expect(ranked.map(\.count) == [3, 1])
        #expect(ranked[0].share == 1)
        #expect(matrix.total == 10)
        #expect(matrix.correct == 5)
    }
}

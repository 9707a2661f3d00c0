import Foundation
import Testing

/// The committed answers of the reference libraries; see `Tools/reference/metrics.py`.
struct MetricsFixture: Decodable {
    let classification: [ClassificationSample]
    let multiLabel: [MultiLabelSample]
    let regression: [RegressionSample]
    let tagging: [TaggingSample]

    /// The fixture, or one without samples if it cannot be read, which a test of its own would notice.
    static let shared: MetricsFixture = {
        let empty = MetricsFixture(classification: [], multiLabel: [], regression: [], tagging: [])
        return (try? load()) ?? empty
    }()

    static func load(file: String = #filePath) throws -> MetricsFixture {
        let tests = (0..<3).reduce(URL(fileURLWithPath: file)) { url, _ in
            url.deletingLastPathComponent()
        }
        let data = try Data(contentsOf: tests.appendingPathComponent("Fixtures/metrics.json"))
        return try JSONDecoder().decode(MetricsFixture.self, from: data)
    }
}

struct ClassificationSample: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let classes: Int
    let labels: [Int]
    let predictions: [Int]
    let confusion: [[Int]]
    let expected: [String: Double?]

    var names: [String] { (0..<classes).map { "class \($0)" } }
    var testDescription: String { name }
}

struct MultiLabelSample: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let classes: Int
    let labels: [[Int]]
    let predictions: [[Int]]
    let expected: [String: Double?]

    var testDescription: String { name }
}

struct RegressionSample: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let labels: [Double?]
    let predictions: [Double?]
    let expected: [String: Double?]

    var testDescription: String { name }
}

struct TaggingSample: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let labels: [[String]]
    let predictions: [[String]]
    let expected: [String: Double?]

    var testDescription: String { name }
}

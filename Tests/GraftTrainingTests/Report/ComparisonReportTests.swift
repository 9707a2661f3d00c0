import Foundation
import GraftTraining
import Testing

@Suite("Comparison reports")
struct ComparisonReportTests {
    private func method(
        _ name: String,
        _ scores: [Double],
        trained: Int,
        failures: [String] = []
    ) -> ComparisonReport.Method {
        var method = ComparisonReport.Method(name, learningRate: 5e-4)
        method.parameters = RunReport.Parameters(trainable: trained, total: 1_000_000)
        method.runs = scores.enumerated().map { seed, score in
            .init(
                seed: UInt64(seed),
                metrics: Metrics([.accuracy: score, .loss: 1 - score]),
                secondsPerEpoch: Double(seed + 1),
                peakMemory: 1000 * (seed + 1)
            )
        }
        method.failures = failures
        return method
    }

    private func report(_ methods: [ComparisonReport.Method]) -> ComparisonReport {
        var report = ComparisonReport(
            title: "runs",
            command: ["graft", "compare", "--methods", "lora[r=8],head"],
            started: Date(timeIntervalSince1970: 0),
            model: .init(
                name: "MiniLM",
                family: "bert",
                layers: 6,
                hiddenSize: 384,
                parameters: 22_713_216,
                contentHash: "ab"
            ),
            task: "classification",
            metric: .accuracy
        )
        report.methods = methods
        report.majorityBaseline = 0.5
        return report
    }

    @Test func `spreads are the sample's`() throws {
        let spread = try #require(Spread([1, 2, 4]))
        #expect(abs(spread.mean - 7.0 / 3) < 1e-12)
        #expect(abs(try #require(spread.deviation) - (7.0 / 3).squareRoot()) < 1e-12)
        #expect(Spread([3])?.deviation == nil)
        #expect(Spread([]) == nil)
    }

    @Test func `the best method is that of the best mean, and one that failed is none`() {
        let methods = [
            method("lora", [0.8, 0.9], trained: 20_000), method("head", [0.7], trained: 500),
            method("broken", [], trained: 10), method("lost", [.nan], trained: 10),
        ]
        #expect(report(methods).best == 0)
        #expect(report(Array(methods.reversed())).best == 3)
        var loss = report(methods)
        loss.metric = .loss
        #expect(loss.best == 0)
        #expect(report([methods[2]]).best == nil)
    }

    @Test func `the page is well formed and tells every method and failure`() throws {
        let page = try ParsedPage(
            report([
                method("lora[r=8]", [0.8, 0.9], trained: 20_000),
                method("<full> & more", [0.6], trained: 900_000, failures: ["seed 1: no memory"]),
                method("head", [], trained: 500, failures: ["seed 0: <broken>"]),
            ]).html()
        )
        let text = page.texts("th").joined() + page.texts("td").joined()
        for part in ["lora[r=8]", "<full> & more", "head", "0.850 ± 0.071", "failed", "20,000"] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(page.texts("li").contains("head, seed 0: <broken>"))
        #expect(page["circle"].count == 2)
    }

    @Test func `a page of methods that all failed can be read`() throws {
        let page = try ParsedPage(report([method("head", [], trained: 5)]).html())
        #expect(page["svg"].isEmpty)
    }

    @Test(arguments: [
        (
            [75_000.0, 300_000, 22_700_000],
            ["50k", "100k", "200k", "500k", "1M", "2M", "5M", "10M", "20M", "50M"]
        ),
        ([1000, 2e8], ["100", "1k", "10k", "100k", "1M", "10M", "100M", "1G"]),
        ([40, 40], ["20", "50"]),
        ([], ["0.5", "1", "2", "5", "10", "20"]),
    ])
    func `ticks of factors are round and enclose the values`(values: [Double], labels: [String]) {
        let scale = LogScale(values, from: 0, to: 100)
        #expect(scale.ticks.map(scale.label) == labels)
        for value in values { #expect((0...100).contains(scale(value))) }
        #expect(abs(scale(scale.domain.lowerBound)) < 1e-9)
        #expect(abs(scale(scale.domain.upperBound) - 100) < 1e-9)
    }

    @Test func `names of points that lie together do not lie on each other`() throws {
        let points = (0..<5).map {
            ScatterChart.Point("method number \($0)", x: 1000 + Double($0), y: 0.8)
        }
        let chart = ScatterChart(title: "t", xAxis: "size", yAxis: "score", points: points)
        let page = try ParsedPage(chart.svg(identifier: "c").rendered())
        let places = page["text"].filter { $0.attributes["class"] == "name" }
            .compactMap { $0.attributes["y"].flatMap(Double.init) }
        #expect(places.count == 5)
        let sides = Dictionary(grouping: places, by: \.self)
        #expect(sides.values.allSatisfy { $0.count <= 2 })
    }
}

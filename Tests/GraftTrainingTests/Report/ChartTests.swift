import GraftTraining
import Testing

@Suite("Charts")
struct ChartTests {
    @Test(arguments: [
        ([0.12, 1.7], ["0", "0.5", "1.0", "1.5", "2.0"]),
        ([0.81, 0.93], ["0.80", "0.85", "0.90", "0.95"]),
        ([0, 5e-5], ["0", "1e-5", "2e-5", "3e-5", "4e-5", "5e-5"]),
        ([0, 42_000], ["0", "10k", "20k", "30k", "40k", "50k"]),
        ([-3, 4], ["-4", "-2", "0", "2", "4"]),
        ([], ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([.nan, .infinity], ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([7, 7], ["2", "4", "6", "8", "10", "12"]),
        ([1, 1.0.nextUp], ["0.4", "0.6", "0.8", "1.0", "1.2", "1.4", "1.6"]),
        ([0, .leastNonzeroMagnitude], ["-1.0", "-0.5", "0", "0.5", "1.0"]),
        ([-9e29, 9e29], ["-1e30", "-5e29", "0", "5e29", "1e30"]),
    ])
    func `ticks are round and enclose the values`(values: [Double], labels: [String]) {
        let scale = AxisScale(values, from: 0, to: 100)
        #expect(scale.ticks.map(scale.label) == labels)
        for value in values where AxisScale.draws(value) {
            #expect((0...100).contains(scale(value)))
        }
    }

    @Test(arguments: [[1.0, 8], [1, 1], [5, 2000], [0, 3]])
    func `ticks of counted things are whole and inside`(values: [Double]) {
        let scale = AxisScale(values, from: 0, to: 100, wholeNumbers: true)
        #expect(!scale.ticks.isEmpty)
        #expect(scale.ticks.allSatisfy { $0 == $0.rounded() && scale.domain.contains($0) })
    }

    @Test func `smoothing starts unbiased and passes over gaps`() {
        let points = [4, 4, Double.nan, 4].enumerated().map { LineChart.Point(Double($0), $1) }
        let smooth = points.smoothed(window: 5)
        #expect(abs(smooth[0].y - 4) < 1e-12)
        #expect(smooth[2].y.isNaN)
        #expect(abs(smooth[3].y - 4) < 1e-12)
    }

    @Test func `long curves are thinned out but keep their end`() throws {
        let points = (0..<10_001).map { LineChart.Point(Double($0), Double($0 % 7)) }
        let chart = LineChart(title: "t", axis: "step", series: [.init("long", points)])
        let path = try #require(ParsedPage(chart.svg(identifier: "c").rendered())["path"].first)
        let data = try #require(path.attributes["d"])
        #expect(data.count { $0 == "L" } < 600)
        #expect(data.contains("L466 "))
    }

    @Test func `a bar without value or with a wild one does not break the others`() throws {
        let chart = BarChart(
            title: "t",
            bars: [
                .init("zero", [.init("a", 0)], text: "0"),
                .init("nan", [.init("a", .nan)], text: "NaN"),
                .init("one", [.init("a", 1)], text: "1"),
            ]
        )
        let page = try ParsedPage(chart.svg(identifier: "c").rendered())
        let widths = page["rect"].compactMap { $0.attributes["width"] }.compactMap(Double.init)
        #expect(widths.count == 3)
        #expect(widths[0] == 0 && widths[1] == 0 && widths[2] > 300)
    }

    @Test func `names are cut in the middle where a matrix has no room`() throws {
        let names = ["card payment fee charged", "card payment not recognised"]
        let cell = HeatMap.Cell(share: 0.5, text: "3")
        let chart = HeatMap(
            title: "t",
            rows: names,
            columns: names,
            cells: [[cell, cell], [cell, cell]],
            rowAxis: "gold",
            columnAxis: "predicted",
            summary: "s"
        )
        let page = try ParsedPage(chart.svg(identifier: "c").rendered())
        #expect(page.texts("text").count { $0 == "card pay…charged" } == 2)
        #expect(page.texts("title").contains { $0.contains("card payment fee charged") })
    }

    @Test func `a small line chart is drawn like this`() {
        var chart = LineChart(
            title: "Loss",
            axis: "step",
            series: [
                .init(
                    "loss",
                    [.init(1, 2), .init(2, 1), .init(3, .nan), .init(4, 0.5)],
                    look: .dotted
                )
            ]
        )
        chart.positions = [.init(4, "1")]
        chart.height = 120
        #expect(chart.svg(identifier: "loss").rendered() == Self.snapshot)
    }

    private static let snapshot = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 120" role="img" \
        aria-labelledby="loss-title loss-description">
        <title id="loss-title">Loss</title>
        <desc id="loss-description">loss: 2 at step 1, 0.5 at step 4, between 0.5 and 2. \
        1 value is not finite.</desc>
        <line class="grid" x1="48" y1="82" x2="466" y2="82"/>
        <text class="tick" x="42" y="86" text-anchor="end">0</text>
        <line class="grid" x1="48" y1="67" x2="466" y2="67"/>
        <text class="tick" x="42" y="71" text-anchor="end">0.5</text>
        <line class="grid" x1="48" y1="52" x2="466" y2="52"/>
        <text class="tick" x="42" y="56" text-anchor="end">1.0</text>
        <line class="grid" x1="48" y1="37" x2="466" y2="37"/>
        <text class="tick" x="42" y="41" text-anchor="end">1.5</text>
        <line class="grid" x1="48" y1="22" x2="466" y2="22"/>
        <text class="tick" x="42" y="26" text-anchor="end">2.0</text>
        <text class="tick" x="48" y="98" text-anchor="middle">1</text>
        <text class="tick" x="187.3" y="98" text-anchor="middle">2</text>
        <text class="tick" x="326.7" y="98" text-anchor="middle">3</text>
        <text class="tick" x="466" y="98" text-anchor="middle">4</text>
        <line class="mark" x1="466" y1="22" x2="466" y2="82"/>
        <text class="tick" x="466" y="15" text-anchor="middle">1</text>
        <text class="tick" x="257" y="115" text-anchor="middle">step</text>
        <path class="dotted s0" d="M48 22L187.3 52M466 67"/>
        <circle class="dot s0" cx="48" cy="22" r="3"/>
        <circle class="dot s0" cx="187.3" cy="52" r="3"/>
        <circle class="dot s0" cx="466" cy="67" r="3"/>
        <line class="cross" x1="323.7" y1="19" x2="329.7" y2="25"/>
        <line class="cross" x1="323.7" y1="25" x2="329.7" y2="19"/>
        </svg>
        """
}

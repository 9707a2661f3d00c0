import GraftTraining
import Testing

@Suite("Figures")
struct FiguresTests {
    @Test(arguments: [
        (Figures.count(1_234_567), "1,234,567"), (Figures.count(-1000), "-1,000"),
        (Figures.count(999), "999"), (Figures.count(.min), "-9,223,372,036,854,775,808"),
        (Figures.short(22_713_216), "22.7\u{A0}M"), (Figures.short(12), "12"),
        (Figures.bytes(532_676_608), "508\u{A0}MiB"), (Figures.bytes(0), "0\u{A0}B"),
        (Figures.score(0.8754), "0.875"), (Figures.score(.nan), "NaN"),
        (Figures.score(1321.25), "1,321"),
        (Figures.measure(5820.4), "5,820"), (Figures.measure(0.0123456), "0.0123"),
        (Figures.measure(-.infinity), "-∞"),
        (Figures.percent(0), "0\u{A0}%"), (Figures.percent(0.00123), "0.12\u{A0}%"),
        (Figures.percent(0.9996), "100\u{A0}%"),
        (Figures.duration(8.25), "8.2\u{A0}s"), (Figures.duration(125), "2\u{A0}min 05\u{A0}s"),
        (Figures.duration(59.96), "1\u{A0}min 00\u{A0}s"),
        (Figures.duration(3720), "1\u{A0}h 02\u{A0}min"),
        (Figures.coordinate(3.04), "3"), (Figures.coordinate(-0.04), "0"),
    ])
    func `read well`(figure: String, expected: String) {
        #expect(figure == expected)
    }
}

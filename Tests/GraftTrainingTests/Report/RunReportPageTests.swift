import Foundation
import GraftTraining
import Testing

@Suite("The page of a run report")
struct RunReportPageTests {
    private static let fiveLabels = ["account", "billing", "sales", "shipping", "technical"]

    @Test(arguments: [1, 2, 5, 16, 17, 77])
    func `is well-formed for any number of labels`(count: Int) throws {
        let report = RunReport.complete(labels: (0..<count).map { "label \($0)" })
        let page = try ParsedPage(report.html())
        let sections = ["Learning", "Result", "Parameters", "Data", "Settings", "Run it again"]
        #expect(page.texts("h2") == sections)
    }

    @Test func `fetches nothing and runs nothing`() throws {
        let text = RunReport.complete(labels: Self.fiveLabels).html()
        let page = try ParsedPage(text)
        #expect(
            Set(page.elements.map(\.name)).isDisjoint(with: ["script", "link", "img", "iframe"])
        )
        let attributes = page.elements.flatMap(\.attributes.keys)
        #expect(Set(attributes).isDisjoint(with: ["href", "src", "onload"]))
        #expect(!text.contains("url(") && !text.contains("@import"))
    }

    @Test func `leads with score, parameters, time and memory`() throws {
        let page = try ParsedPage(RunReport.complete(labels: Self.fiveLabels).html())
        #expect(
            page.elements("div", style: "value").map(\.text)
                == ["0.750", "128", "20.0\u{A0}s", "400\u{A0}MiB"]
        )
        #expect(
            page.elements("div", style: "note").map(\.text).first
                == "+0.500 over majority class 0.250, epoch 2 of 3"
        )
    }

    @Test func `names every drawing and every table`() throws {
        let page = try ParsedPage(RunReport.complete(labels: Self.fiveLabels).html())
        #expect(page["svg"].count == 7)
        #expect(page["caption"].count == page["table"].count)
        #expect(page["caption"].allSatisfy { !$0.text.isEmpty })
        let identifiers = page.elements.compactMap { $0.attributes["id"] }
        #expect(Set(identifiers).count == identifiers.count)
        let referred = page["svg"].flatMap {
            ($0.attributes["aria-labelledby"] ?? "").split(separator: " ").map(String.init)
        }
        #expect(referred.count == 14)
        #expect(Set(referred) == Set(identifiers))
        #expect(page["desc"].allSatisfy { !$0.text.isEmpty })
    }

    @Test(arguments: [
        "</title><script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "a & b < c > d",
        "it's", "]]>", "<!--", "&lt;", "日本語 🙂",
    ])
    func `shows hostile names as they are`(name: String) throws {
        var report = RunReport.complete(labels: [name, "other"])
        report.title = name
        report.warnings = [name]
        report.method.description = name
        report.mistakes[0].text = name
        report.parameters.sites[0].path = name
        report.epochs[0].metrics[0].name = name
        let page = try ParsedPage(report.html())
        #expect(page["script"].isEmpty && page["img"].isEmpty)
        #expect(page.texts("h1") == [name])
        #expect(page.texts("li").contains(name))
        #expect(page.texts("code").contains(name))
        #expect(page.texts("td").contains(name))
    }

    @Test func `replaces characters that no document may contain`() throws {
        var report = RunReport.empty
        report.title = "a\u{0}b\u{1B}[31mc\u{FFFF}d\u{7F}"
        let page = try ParsedPage(report.html())
        #expect(page.texts("h1") == ["a\u{FFFD}b\u{FFFD}[31mc\u{FFFD}d\u{FFFD}"])
    }

    @Test func `leaves out what an empty run has not got`() throws {
        let page = try ParsedPage(RunReport.empty.html())
        #expect(page.texts("h2") == ["Settings"])
        #expect(page["svg"].isEmpty)
    }

    @Test func `shows a run of one step without evaluation`() throws {
        var report = RunReport.empty
        report.steps = [.init(number: 1, epoch: 1, loss: 0.7, learningRate: 0.001)]
        let page = try ParsedPage(report.html())
        #expect(page.texts("h2") == ["Learning", "Settings"])
        #expect(page.elements("div", style: "value").map(\.text) == ["0.700"])
        #expect(page["circle"].count == 1)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, .greatestFiniteMagnitude])
    func `survives values that cannot be drawn`(value: Double) throws {
        var report = RunReport.complete(labels: Self.fiveLabels)
        report.steps[4].loss = value
        report.steps[9].gradientNorm = value
        report.epochs[1].metrics[0].value = value
        report.metrics[0].value = value
        report.majorityBaseline = value
        let page = try ParsedPage(report.html())
        #expect(!page.elements("line", style: "cross").isEmpty)
        for element in page.elements {
            for name in ["d", "x", "y", "cx", "cy", "x1", "y2", "width", "height"] {
                let text = element.attributes[name] ?? ""
                #expect(!text.contains("nan") && !text.contains("inf"), "\(element)")
            }
        }
    }

    @Test func `shows a run whose loss is never finite`() throws {
        var report = RunReport.complete(labels: Self.fiveLabels)
        for index in report.steps.indices { report.steps[index].loss = .nan }
        let page = try ParsedPage(report.html())
        #expect(page.texts("desc").contains { $0.contains("30 values are not finite") })
    }

    @Test func `writes the matrix out for few labels and draws a texture for many`() throws {
        let few = try ParsedPage(RunReport.complete(labels: Self.fiveLabels).html())
        #expect(few.elements("rect", style: "cell").count == 25)
        #expect(few.elements("text", style: "count").count == 25)

        let many = try ParsedPage(RunReport.complete(labels: (1...77).map { "l\($0)" }).html())
        #expect(many.elements("rect", style: "cell").count == 2 * 77)
        #expect(many.elements("text", style: "count").isEmpty)
        #expect(many.texts("caption").contains("Most frequent confusions"))
        #expect(many.texts("title").contains("gold l77, predicted l1: 1 (10.0\u{A0}%)"))
    }

    @Test func `quotes the command for a shell`() {
        var report = RunReport.empty
        report.command = [
            "graft", "train", "--method", "lora[rank=4]", "--note", "it's", "--tag", "",
        ]
        #expect(
            ShellCommand(report.command).text == #"""
                graft train \
                    --method 'lora[rank=4]' \
                    --note 'it'\''s' \
                    --tag ''
                """#
        )
    }
}

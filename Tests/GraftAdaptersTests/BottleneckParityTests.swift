import Foundation
import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// Against `adapters` 1.3.0; the fixtures are made by `Tools/reference/bottleneck.py`.
@Suite("Bottleneck against adapters 1.3.0")
struct BottleneckParityTests {
    /// The fixtures' names; a folder that cannot be read has none, which the first test tells.
    static let cases = (try? Fixture.names(in: "bottleneck")) ?? []

    @Test
    func `the fixtures are there`() {
        #expect(BottleneckParityTests.cases.count >= 52)
    }

    @Test(arguments: cases)
    func `forward and gradients equal the reference`(name: String) throws {
        try BottleneckCase(name).expectForwardAndGradients()
    }

    @Test(arguments: cases)
    func `ten training steps equal the reference`(name: String) throws {
        try BottleneckCase(name).expectTenSteps()
    }

    @Test(arguments: cases)
    func `the preset with its settings is the reference's configuration`(name: String) throws {
        let example = try BottleneckCase(name)
        let preset = try #require(example.fixture.metadata["preset"])
        let text = Data(try #require(example.fixture.metadata["settings"]).utf8)
        var settings = try #require(
            JSONSerialization.jsonObject(with: text) as? [String: Any]
        )
        if settings["reduction_factor"] == nil, !name.hasSuffix("_default_factor") {
            settings["reduction_factor"] = 4
        }
        // The fixtures are made without the preset's randomness.
        if preset == "adapter_plus" { settings["stochastic_depth"] = 0 }
        let written = try settings.map { name, value in
            let json = try JSONSerialization.data(
                withJSONObject: value,
                options: .fragmentsAllowed
            )
            return "\(name)=\(String(decoding: json, as: UTF8.self))"
        }
        let expression = "\(preset)[\(written.sorted().joined(separator: ","))]"
        let method = try AdapterRegistry.builtin.method(named: expression)
        #expect(method as? Bottleneck == example.bottleneck, "\(expression)")
    }
}

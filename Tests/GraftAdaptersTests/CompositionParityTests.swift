import Foundation
import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// Fusions and stacks, made by `Tools/reference/compositions.py`.
@Suite("Compositions against adapters 1.3.0")
struct CompositionParityTests {
    static let cases = MethodCase.names(in: ["compositions"])

    @Test
    func `the fixtures are there`() { #expect(CompositionParityTests.cases.count == 8) }

    @Test(arguments: cases)
    func `forward and gradients equal the reference`(name: String) throws {
        try CompositionCase(name).expectForwardAndGradients()
    }

    @Test(arguments: cases)
    func `ten training steps equal the reference`(name: String) throws {
        try CompositionCase(name).expectTenSteps()
    }

    @Test
    func `a fusion tells how it weighs its members`() throws {
        let example = try CompositionCase("compositions/fuse")
        let (model, _) = try example.adapted()
        let batch = try example.fixture.batch()
        let seen = Recorder()
        var context = ForwardContext(layout: batch.layout, adapters: model.adapters)
        context.observe = { seen.add($0, $1) }
        _ = try model.encoder(batch, in: context, wanted: .all)
        #expect(seen.sites == ["encoder.0.feed_forward", "encoder.1.feed_forward"])
        for weights in seen.weights {
            #expect(weights.shape == [batch.layout.tokenCount, 3])
            let sums: [Float] = try weights.sum(along: 1).values()
            #expect(sums.allSatisfy { abs($0 - 1) < 1e-5 })
        }
    }
}

/// A composition with the fixture's parameters: those of the members frozen in a fusion.
private struct CompositionCase: ReferenceCase {
    let fixture: Fixture
    let method: any AdapterMethod
    let head = HeadConfiguration.ofFixture(layers: 1)
    let weightDecay = 0.01

    init(_ name: String) throws {
        fixture = try Fixture(name)
        let member = try AdapterRegistry.builtin.method(
            named: #require(fixture.metadata["member"])
        )
        let composition = try Composition(#require(fixture.metadata["composition"]))
        let settings = Data(try #require(fixture.metadata["fusion"]).utf8)
        let fusion = try JSONDecoder().decode(Fusion?.self, from: settings)
        method = try Composed(
            composition,
            of: Dictionary(uniqueKeysWithValues: composition.names.map { ($0, member) }),
            fusion: fusion ?? Fusion()
        )
    }
}

/// What a pass observed; a test runs it on one thread.
private final class Recorder: @unchecked Sendable {
    private(set) var sites: [String] = []
    private(set) var weights: [Tensor] = []

    func add(_ site: Site, _ weights: Tensor) {
        sites.append(site.path)
        self.weights.append(weights)
    }
}

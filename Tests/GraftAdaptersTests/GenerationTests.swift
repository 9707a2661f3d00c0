import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// What every method owes a model that writes.
@Suite("Every method in generation")
struct GenerationTests {
    @Test(arguments: ContractTests.accepted.filter { $0.family.isCausal && $0.name != "full" })
    func `kept keys and values change nothing of what is written`(
        pair: ContractTests.Pair
    ) throws {
        let name = try pair.family.model
        let model = try #require(try referenceModel(name) as? any LanguageModel)
        let adapters = try AdapterRegistry.builtin.method(named: pair.name)
            .seeded(1, at: model.sites)
        let prompts = try Fixture(name + "/expected").rows("ids")
        var options = GenerationOptions()
        (options.maxNewTokens, options.endTokens) = (8, [7])
        var writer = try TokenWriter(model, adapters: adapters, options: options)
        let found = try writer(prompts)
        writer.usesCache = false
        #expect(try writer(prompts) == found)
        // What acts is seen in what is written, but for adapters that move little.
        #expect(found.allSatisfy { !$0.tokens.isEmpty })
    }
}

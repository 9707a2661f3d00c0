import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// Against `adapters` 1.3.0; the fixtures are made by `Tools/reference/t5_adapters.py`.
@Suite("Adapters of T5 against adapters 1.3.0")
struct T5AdapterParityTests {
    static let cases = MethodCase.names(in: ["t5_adapters"])

    @Test
    func `the fixtures are there`() {
        #expect(T5AdapterParityTests.cases.count == 9)
    }

    /// A T5 with the fixture's adapter, whose parameters are in a buffer to train.
    private struct Adapted {
        let fixture: Fixture
        let model: any EncoderDecoder
        let adapters: SiteAdapters
        let buffer: ParameterBuffer

        init(_ name: String) throws {
            let example = try MethodCase(name)
            fixture = example.fixture
            let folder = try #require(example.fixture.metadata["model"])
            model = try #require(try referenceModel(folder) as? any EncoderDecoder)
            buffer = try ParameterBuffer(example.parameters(""), device: testDevice)
            let leaves = zip(buffer.slices, buffer.leaves).map { ($0.name, $1) }
            let stored = StoredParameters(Dictionary(uniqueKeysWithValues: leaves))
            adapters = try example.method.attached(
                to: model.sites,
                ParameterScope(stored) / "adapter"
            )
            try stored.checkAllUsed()
        }

        /// Last hidden states, scores, and the mean loss of the target's tokens.
        func outputs() throws -> (hidden: Tensor, logits: Tensor, loss: Tensor) {
            let batch = try fixture.sourceTargetBatch()
            let context = ForwardContext(layout: batch.layout, adapters: adapters)
            let hidden = try model(batch, in: context, wanted: .all).hidden
            let logits = try model.scores(hidden, in: context)
            return (hidden, logits, try logits.crossEntropy(fixture["labels"]))
        }
    }

    @Test(arguments: cases)
    func `forward and gradients equal the reference`(name: String) throws {
        let adapted = try Adapted(name)
        let (hidden, logits, loss) = try adapted.outputs()
        try expectClose(hidden, adapted.fixture["hidden"], "hidden")
        try expectClose(logits, adapted.fixture["logits"], "logits")
        try expectClose(loss.reshaped(1), adapted.fixture["loss"], "loss")
        let found = try gradients(of: loss, for: adapted.buffer.leaves)
        for (slice, gradient) in zip(adapted.buffer.slices, found) {
            try expectClose(gradient, adapted.fixture["grad.\(slice.name)"], slice.name)
        }
    }

    @Test(arguments: cases)
    func `ten training steps equal the reference`(name: String) throws {
        let adapted = try Adapted(name)
        var settings = AdamW.Settings()
        settings.weightDecay = 0.01
        var optimizer = try AdamW(for: adapted.buffer, settings: settings)
        var losses: [Double] = []
        for _ in 0..<10 {
            let loss = try adapted.outputs().loss
            losses.append(try loss.item())
            let found = try gradients(of: loss, for: adapted.buffer.leaves)
            try optimizer.step(
                adapted.buffer,
                gradients: adapted.buffer.flattened(found),
                learningRate: 1e-2
            )
        }
        expectClose(losses, try adapted.fixture["losses"].values(), "losses")
        for (slice, leaf) in zip(adapted.buffer.slices, adapted.buffer.leaves) {
            try expectClose(
                leaf,
                adapted.fixture["after.\(slice.name)"],
                "\(slice.name) after ten steps"
            )
        }
    }

    @Test(arguments: cases)
    func `the preset with its settings is the reference's configuration`(name: String) throws {
        let example = try MethodCase(name)
        guard let reference = try example.methodOfReference() else { return }
        #expect(try MethodCase.stored(example.method) == MethodCase.stored(reference))
    }

    @Test
    func `names without cross mean every attention, names with it one`() throws {
        let sites = try referenceModel("t5/v1_1").sites
        func acting(_ targets: String) throws -> Set<Site.Role> {
            let method = try AdapterRegistry.builtin.method(
                named: "lora[r=1,target_modules=[\(targets)]]"
            )
            let scope = ParameterScope(FreshParameters(seed: 0))
            return Set(try method.attached(to: sites, scope).sites.map(\.role))
        }
        #expect(try acting("\"query\",\"value\"") == [.query, .value, .crossQuery, .crossValue])
        #expect(try acting("\"cross_key\"") == [.crossKey])
    }

    @Test(arguments: [
        (
            "double_seq_bn[cross_adapter=true]",
            "cross_adapter: this model has no attention across towers"
        ),
        (
            "lora[target_modules=[\"cross_query\"]]",
            "target_modules: this model has no cross_query projection"
        ),
    ])
    func `a model of one tower refuses what acts across`(text: String, problem: String) throws {
        let error = #expect(throws: ConfigurationError.self) {
            let method = try AdapterRegistry.builtin.method(named: text)
            let sites = try referenceModel("bert/h16").sites
            _ = try method.attached(to: sites, ParameterScope(FreshParameters(seed: 0)))
        }
        #expect(error?.description.hasPrefix(problem) == true, "\(String(describing: error))")
    }
}

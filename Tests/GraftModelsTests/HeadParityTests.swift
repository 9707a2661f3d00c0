import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

/// Against `adapters` 1.3.0; the fixtures are made by `Tools/reference/heads.py`.
@Suite("Heads against adapters 1.3.0")
struct HeadParityTests {
    /// The fixtures' names; a folder that cannot be read has none, which the first test tells.
    ///
    /// Those whose rows choose among as many things as they have are in `ChosenHeadParityTests`.
    static let cases = ((try? Fixture.names(in: "heads")) ?? []).filter {
        !$0.contains("question-answering") && !$0.contains("multiple-choice")
    }

    /// A head's configuration as AdapterHub writes it.
    struct Reference: Decodable {
        let num_labels: Int
        let layers: Int
        let activation_function: Activation
        let use_pooler: Bool?
    }

    @Test
    func `the fixtures are there`() {
        #expect(HeadParityTests.cases.count >= 10)
    }

    @Test(arguments: cases)
    func `logits, loss and gradients equal the reference`(name: String) throws {
        let fixture = try Fixture(name)
        let reference: Reference = try fixture.json("config")
        let kind = try #require(
            HeadKind.allCases.first { name.hasPrefix("heads/\($0.rawValue)_") }
        )
        var configuration = HeadConfiguration(kind, outputCount: reference.num_labels)
        configuration.layers = reference.layers
        configuration.activation = reference.activation_function
        if reference.use_pooler == true { configuration.pooling = .pooler }

        let encoder = try referenceEncoder()
        let initial = fixture.tensors(below: "head.").map { key, value in
            (
                name: key.replacing("1.", with: "0.", maxReplacements: key.hasPrefix("1.") ? 1 : 0)
                    .replacing("4.", with: "1."), value: value
            )
        }.sorted { $0.name < $1.name }
        let leaves = try initial.map { ($0.name, try $0.value.trainable()) }
        let stored = StoredParameters(Dictionary(uniqueKeysWithValues: leaves))
        let head = try Head(configuration, model: encoder.shape, ParameterScope(stored))
        try stored.checkAllUsed()

        let batch = try fixture.batch()
        let context = ForwardContext(layout: batch.layout)
        let output = try encoder(batch, in: context, wanted: head.wanted)
        let logits = try head(output, in: context)
        try expectClose(logits, fixture["logits"], "logits")
        let labels = try fixture["labels"]
        let loss =
            switch kind {
            case .classification, .tagging: try logits.crossEntropy(labels)
            case .multiLabel: try logits.binaryCrossEntropy(labels)
            case .regression: try logits.reshaped(-1).meanSquaredError(labels)
            case .imageText, .causalLM, .seq2seq, .questionAnswering, .multipleChoice:
                try #require(nil as Tensor?, "nothing is trained")
            }
        try expectClose(loss.reshaped(1), fixture["loss"], "loss")
        let names = leaves.map(\.0)
        for (name, gradient) in zip(names, try gradients(of: loss, for: leaves.map(\.1))) {
            let key = name.replacing("1.", with: "4.").replacing("0.", with: "1.")
            try expectClose(gradient, fixture["grad.head.\(key)"], "gradient of \(name)")
        }
    }

    @Test
    func `the mean pools every token`() throws {
        let encoder = try referenceEncoder()
        let batch = try Fixture("bert/h16/expected").batch()
        let context = ForwardContext(layout: batch.layout)
        var configuration = HeadConfiguration(.classification, outputCount: 16)
        (configuration.layers, configuration.pooling) = (1, .mean)
        let identity = (0..<256).map { Float($0 % 17 == 0 ? 1 : 0) }
        let stored = StoredParameters([
            "0.weight": try Tensor(identity, shape: [16, 16]).moved(to: testDevice),
            "0.bias": try Tensor(zeros: [16], device: testDevice),
        ])
        let head = try Head(configuration, model: encoder.shape, ParameterScope(stored))
        let output = try encoder(batch, in: context, wanted: head.wanted)
        let logits = try head(output, in: context)
        for row in 0..<batch.layout.rowCount {
            let range = Int(batch.layout.offsets[row])..<Int(batch.layout.offsets[row + 1])
            try expectClose(
                logits.narrowed(row..<row + 1).reshaped(-1),
                output.hidden.narrowed(range).mean(along: 0),
                tolerance: 1e-6
            )
        }
    }

    @Test
    func `what a model or a task cannot do is refused`() throws {
        let fresh = ParameterScope(FreshParameters(seed: 1))
        var pooled = HeadConfiguration(.classification, outputCount: 2)
        pooled.pooling = .pooler
        let withoutPooler = try referenceEncoder("bert/h16_masked_lm").shape
        #expect(!withoutPooler.hasPooler)
        let noPooler = #expect(throws: ConfigurationError.self) {
            try Head(pooled, model: withoutPooler, fresh)
        }
        #expect(
            noPooler?.description == "pooling: this model has no pooler (hint: use first or mean)"
        )
        var tagging = HeadConfiguration(.tagging, outputCount: 2)
        tagging.pooling = .mean
        let pools = #expect(throws: ConfigurationError.self) {
            try Head(tagging, model: referenceEncoder().shape, fresh)
        }
        #expect(pools?.field == "pooling")
    }

    @Test(arguments: ["llama/gqa", "gpt2/tied"])
    func `a head on a causal model reads the last token, never the first`(name: String) throws {
        let model = try referenceLanguageModel(name)
        let batch = try Fixture("\(name)/expected").batch()
        let context = ForwardContext(layout: batch.layout)
        var configuration = HeadConfiguration(
            .classification,
            outputCount: 3,
            pooling: model.shape.defaultPooling
        )
        configuration.layers = 1
        let fresh = FreshParameters(seed: 1)
        let head = try Head(
            configuration,
            model: model.shape,
            ParameterScope(ParametersOnDevice(fresh, device: testDevice))
        )
        #expect(head.wanted == .last)
        let logits = try head(model(batch, in: context, wanted: head.wanted), in: context)
        let all = try model(batch, in: context, wanted: .all).hidden
        let lasts = try Tensor(batch.layout.offsets.dropFirst().map { $0 - 1 })
        let weight = try #require(fresh.parameters.first { $0.name == "0.weight" }?.value)
        try expectClose(logits, all.selecting(lasts).linear(weight.moved(to: testDevice)))
        for pooling in [Pooling.first, .pooler] {
            configuration.pooling = pooling
            let shape = model.shape
            let error = #expect(throws: ConfigurationError.self) {
                try Head(configuration, model: shape, ParameterScope(fresh))
            }
            #expect(error?.field == "pooling")
            #expect(error?.problem.contains("a \(shape.family) model") == true)
            #expect(error?.problem.contains("hint: use last or mean") == true)
        }
        let tagging = HeadConfiguration(.tagging, outputCount: 3, pooling: .last)
        let other = ParameterScope(FreshParameters(seed: 2))
        #expect(try Head(tagging, model: model.shape, other).wanted == .all)
    }
}

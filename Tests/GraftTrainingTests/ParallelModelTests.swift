import GraftAdapters
import GraftFormats
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

@Suite("Adapters side by side")
struct ParallelModelTests {
    /// An adapter whose values matter, with the parameters that it has.
    private func member(
        _ base: BaseModel,
        _ expression: String,
        _ head: HeadConfiguration,
        seed: UInt64
    ) throws -> (model: AdaptedModel, leaves: [Tensor]) {
        let source = MovedParameters(seed: seed)
        let model = try AdaptedModel(
            base,
            method: AdapterRegistry.builtin.method(named: expression),
            head: head,
            ParameterScope(source)
        )
        return (model, source.leaves)
    }

    private func head(_ base: BaseModel, _ pooling: Pooling) -> HeadConfiguration {
        HeadConfiguration(.classification, outputCount: 2, pooling: pooling)
    }

    @Test(arguments: [
        ["double_seq_bn[reduction_factor=4]", "double_seq_bn[reduction_factor=4]"],
        ["seq_bn[reduction_factor=4,leave_out=[0]]", "lora[r=2,leave_out=[0]]", "head"],
        [
            "prefix_tuning[prefix_length=2]", "ia3", "loreft[r=2]",
            "adapter_plus[reduction_factor=4]",
        ],
        ["head", "head"],
    ])
    func `each answers as it does alone`(methods: [String]) throws {
        for (name, poolings) in [
            ("bert/h16", [Pooling.first]), ("bert/h16", [.first, .mean]),
            ("llama/gqa", [.last]),
        ] {
            let base = try TinyModel(name).base
            let members = try methods.enumerated().map { number, method in
                let pooling = poolings[number % poolings.count]
                return try member(base, method, head(base, pooling), seed: UInt64(number)).model
            }
            let data = try TinyTask.classification.rows(base)
            let rows = [3, 17, 4, 8]
            try withoutGradients { () throws in
                let found = try ParallelModel(members).logits(of: rows, in: data)
                for (member, found) in zip(members, found) {
                    let expected = try member.logits(data.batch(rows))
                    try expectClose(found, expected, tolerance: 1e-5, "\(name) \(methods)")
                }
            }
            let found = try ParallelModel(members).predictions(data, partLength: 64)
            for (member, found) in zip(members, found) {
                for (found, expected) in zip(found.logits, try member.predictions(data).logits) {
                    for (found, expected) in zip(found, expected) {
                        #expect(abs(found - expected) < 1e-5)
                    }
                }
            }
        }
    }

    @Test(arguments: [
        ["seq_bn[reduction_factor=4,dropout=0.2]", "lora[r=2,dropout=0.2]"],
        ["lora[r=2,dropout=0.2]", "lora[r=2,dropout=0.2]"],
        ["lora[r=2,leave_out=[0]]", "seq_bn[leave_out=[0]]"],
    ])
    func `each learns as it does alone`(methods: [String]) throws {
        let base = try TinyModel(settings: ["hidden_dropout_prob": 0.1]).base
        let members = try methods.enumerated().map {
            try member(base, $1, head(base, .first), seed: UInt64($0))
        }
        let data = try TinyTask.classification.rows(base)
        let rows = [3, 17, 4, 8]
        let all = try ParallelModel(members.map(\.model)).logits(
            of: rows,
            in: data,
            dropoutSeed: 5
        )
        // One loss of all tasks, as a step takes it.
        let losses = try all.map { try $0.squared().sum() }
        let found = try gradients(
            of: losses[0] + losses[1],
            for: members.flatMap(\.leaves)
        )
        let expected = try members.flatMap { member in
            let alone = try member.model.logits(data.batch(rows), dropoutSeed: 5)
            return try gradients(of: alone.squared().sum(), for: member.leaves)
        }
        #expect(members.allSatisfy { !$0.leaves.isEmpty })
        for (found, expected) in zip(found, expected) {
            try expectClose(found, expected, tolerance: 1e-4)
        }
    }

    @Test
    func `adapters that begin at different blocks are not trained together`() throws {
        let base = try TinyModel().base
        let members = try ["lora[leave_out=[0]]", "seq_bn"].map {
            try member(base, $0, head(base, .first), seed: 1).model
        }
        let model = try ParallelModel(members)
        let data = try TinyTask.classification.rows(base)
        #expect(throws: ConfigurationError.self) {
            try model.logits(of: [0, 1], in: data, dropoutSeed: 5)
        }
    }

    @Test
    func `what cannot share a pass is refused, and answers by itself`() throws {
        let base = try TinyModel().base
        for method in ["prompt_tuning[prompt_length=2]", "full", "layer_norm"] {
            let model = try member(base, method, head(base, .first), seed: 1).model
            #expect(throws: ConfigurationError.self) { try ParallelModel([model]) }
        }
        func predictor(_ method: String, _ task: TinyTask = .classification) throws -> Predictor {
            var run = TrainingRun { ($0.epochs, $0.learningRate) = (1, 1e-2) }
            (run.method, run.task) = (method, task)
            return try Predictor(
                base,
                adapter: AdapterBundle(
                    method: AdapterRegistry.builtin.method(named: method),
                    methodName: method,
                    head: task.head,
                    labels: task.labels,
                    maxLength: 32,
                    base: base.identity(),
                    provenance: [:],
                    tensors: run(base).tensors
                )
            )
        }
        let predictors = try [
            predictor("lora"), predictor("prompt_tuning"), predictor("seq_bn", .regression),
            predictor("seq_bn", .tagging), predictor("ia3"), predictor("full"),
        ]
        #expect(Predictor.groups(predictors) == [[0, 2, 4], [1], [3], [5]])
        let data = try predictors[0].encode(TinyTask.classification.dataset(), labelled: false)
        let group = [0, 2, 4].map { predictors[$0] }
        for (found, predictor) in zip(try Predictor.answers(of: group, data), group) {
            for (found, expected) in zip(found, try predictor.answers(data)) {
                #expect(found.labels == expected.labels)
            }
        }
    }
}

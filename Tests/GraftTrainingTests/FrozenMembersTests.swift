import GraftAdapters
import GraftFormats
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

@Suite("Training on top of trained adapters")
struct FrozenMembersTests {
    private let base: BaseModel
    private let task = TinyTask.classification

    init() throws { base = try TinyModel().base }

    /// Adapters of one method each, with start values of their own, and their fusion.
    private func fusion(
        _ first: String,
        _ second: String
    ) throws -> (method: Composed, parameters: [String: Tensor]) {
        var bundles: [String: AdapterBundle] = [:]
        for (name, expression) in [("a", first), ("b", second)] {
            let method = try AdapterRegistry.builtin.method(named: expression)
            let fresh = FreshParameters(seed: StableHash.of(name))
            _ = try AdaptedModel(base, method: method, head: task.head, ParameterScope(fresh))
            bundles[name] = AdapterBundle(
                method: method,
                methodName: expression,
                head: task.head,
                labels: task.labels,
                maxLength: 32,
                base: try base.identity(),
                provenance: [:],
                tensors: Dictionary(
                    uniqueKeysWithValues: fresh.parameters.map { ($0.name, $0.value) }
                )
            )
        }
        return try Composed.composing(Composition("fuse(a,b)"), of: bundles)
    }

    private func trainer(_ frozen: [String: Tensor], _ method: Composed) throws -> Trainer {
        var options = TrainingOptions()
        (options.epochs, options.learningRate) = (2, 1e-2)
        return try Trainer(
            base,
            method: method,
            head: task.head,
            labels: task.labels,
            options: options,
            frozen: frozen
        )
    }

    @Test func `what is frozen keeps its bits and is part of what comes out`() throws {
        let (method, members) = try fusion("seq_bn", "double_seq_bn")
        let trainer = try trainer(members, method)
        #expect(Set(trainer.slices.map(\.name)).isDisjoint(with: members.keys))
        let outcome = try trainer.run(on: task.rows(base.tokenizer), evaluation: nil)
        #expect(outcome.tensors.count == trainer.slices.count + members.count)
        for (name, tensor) in members {
            let kept = try #require(outcome.tensors[name])
            #expect(try kept.values() as [Float] == tensor.values(), "\(name)")
        }
        #expect(outcome.tensors.keys.contains("adapter.encoder.1.feed_forward.fusion.query.weight"))
    }

    @Test func `a frozen parameter that nothing takes or that has another shape is refused`() throws
    {
        let (method, members) = try fusion("seq_bn", "seq_bn")
        var more = members
        more["adapter.encoder.9.feed_forward.0.down.weight"] = try Tensor([1, 2] as [Float])
        #expect(throws: ParameterError.self) { try trainer(more, method) }
        var wrong = members
        let name = try #require(members.keys.min())
        wrong[name] = try Tensor([1, 2, 3, 4, 5] as [Float])
        #expect(throws: ParameterError.self) { try trainer(wrong, method) }
    }

    @Test func `weights of a fusion have a column for every part, wherever it acts`() throws {
        let (method, members) = try fusion("seq_bn[leave_out=[0]]", "seq_bn")
        let fresh = FreshParameters(seed: 3)
        let completed = CompletedParameters(StoredParameters(members), by: fresh)
        let source = ParametersOnDevice(completed, device: testDevice)
        let model = try AdaptedModel(
            base,
            method: method,
            head: task.head,
            ParameterScope(source)
        )
        let rows = try task.rows(base.tokenizer)
        let weights = try model.fusionWeights(rows, adapters: ["a", "b"], workers: Workers(1))
        #expect(weights.sites.map(\.name) == ["encoder.0.feed_forward", "encoder.1.feed_forward"])
        #expect(weights.sites[0].weights == [0, 1])
        #expect(weights.sites[1].weights.allSatisfy { $0 > 0.01 })
        #expect(abs(weights.sites[1].weights.reduce(0, +) - 1) < 1e-6)
        let shared = try model.fusionWeights(rows, adapters: ["a", "b"], workers: Workers(3))
        for (one, other) in zip(weights.sites, shared.sites) {
            for (a, b) in zip(one.weights, other.weights) { #expect(abs(a - b) < 1e-6) }
        }
    }

    @Test func `adapters of different models do not go together`() throws {
        let other = try TinyModel("bert/h24").base
        let method = try AdapterRegistry.builtin.method(named: "seq_bn")
        func bundle(_ base: BaseModel) throws -> AdapterBundle {
            AdapterBundle(
                method: method,
                methodName: "seq_bn",
                head: task.head,
                labels: task.labels,
                maxLength: 32,
                base: try base.identity(),
                provenance: [:],
                tensors: [:]
            )
        }
        let members = ["a": try bundle(base), "b": try bundle(other)]
        #expect(throws: ConfigurationError.self) {
            try AdapterBundle(composing: Composition("stack(a,b)"), of: members, head: "b")
        }
    }
}

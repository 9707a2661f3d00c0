import Foundation
import GraftAdapters
import GraftFormats
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

/// What every method owes its users on every family, whoever adds either.
@Suite("Every method on every family")
struct ContractTests {
    /// What is known of a method from its name: presets that start as the exact identity.
    static let exactStarts: Set<String> = [
        "par_bn", "scaled_par_bn", "head", "bitfit", "layer_norm", "full", "lora", "rslora", "dora",
        "pissa", "ia3", "ia3_paper", "vera", "adalora",
        "adalora[init_r=4,target_r=1,target_modules=all-linear]",
    ]

    /// Presets that are no near-identity at the start: their keys or tokens are seen at once.
    static let movingStarts: Set<String> = [
        "prefix_tuning", "prompt_tuning", "p_tuning", "mam", "unipelt", "loreft", "noreft",
        "direft",
    ]

    /// Every preset, and settings that no preset has.
    static let methods =
        AdapterRegistry.builtin.names + [
            "double_seq_bn[train_layer_norms=true]",
            "seq_bn[use_gating=true,scaling=channel,ln_before=true,reduction_factor=2]",
            "prefix_tuning[use_gating=true,shared_gating=false,dropout=0.2,leave_out=[0]]",
            "prompt_tuning[combine=prefix_after_bos]",
            "p_tuning[combine=prefix_after_bos,num_virtual_tokens=3,encoder_hidden_size=5]",
            "adalora[init_r=4,target_r=1,target_modules=all-linear]",
            "loreft[r=2,suffix_positions=2,tied_weights=true]",
            "compacter[shared_W_phm=true,phm_rank=2]",
            "seq_bn_inv[inv_adapter=glow]",
        ]

    /// A method on a family.
    struct Pair: Sendable, CustomStringConvertible {
        let name: String
        let family: TinyFamily
        var description: String { "\(name) on \(family)" }
    }

    private static let pairs = TinyFamily.all.flatMap { family in
        methods.map { Pair(name: $0, family: family) }
    }

    /// Methods that a family has no place for: the blocks of Llama 2 and 3 and of T5 have no biases.
    private static func isRefused(_ pair: Pair) -> Bool {
        pair.name == "bitfit" && ["llama", "t5"].contains(pair.family.name)
    }

    /// What works together, which is all but a few.
    static let accepted = pairs.filter { !isRefused($0) }
    static let refused = pairs.filter(isRefused)

    private func method(_ name: String) throws -> any AdapterMethod {
        try AdapterRegistry.builtin.method(named: name)
    }

    private func trained(
        _ name: String,
        on base: BaseModel
    ) throws -> (Trainer, Trainer.Outcome) {
        let task = TinyTask.classification
        var options = TrainingOptions()
        (options.epochs, options.batchSize, options.workers) = (2, 8, 1)
        options.learningRate = 1e-2
        let trainer = try Trainer(
            base,
            method: method(name),
            head: task.head(on: base.shape),
            labels: task.labels,
            options: options
        )
        return (trainer, try trainer.run(on: task.rows(base), evaluation: nil))
    }

    private func batch(_ family: TinyFamily) throws -> any RaggedBatch {
        try Fixture("\(family.model)/expected").batch(for: referenceTower(family.model))
    }

    private func hidden(
        _ encoder: any Tower,
        _ adapters: SiteAdapters,
        _ batch: any RaggedBatch
    ) throws -> Tensor {
        let context = ForwardContext(layout: batch.layout, adapters: adapters)
        return try withoutGradients { () throws in
            try encoder(batch, in: context, wanted: .all).hidden.detached()
        }
    }

    private func adapted(
        _ name: String,
        _ base: BaseModel,
        _ source: any ParameterSource
    ) throws -> AdaptedModel {
        try AdaptedModel(
            base,
            method: method(name),
            head: TinyTask.classification.head(on: base.shape),
            ParameterScope(ParametersOnDevice(source, device: testDevice))
        )
    }

    @Test(arguments: accepted)
    func `a fresh adapter changes nothing, or nearly nothing`(pair: Pair) throws {
        let (name, family) = (pair.name, pair.family)
        let model = try TinyModel(family.model)
        let fresh = try adapted(name, model.base, FreshParameters(seed: 3))
        let (found, frozen) = (
            try hidden(fresh.encoder, fresh.adapters, batch(family)),
            try hidden(model.base.encoder, SiteAdapters(), batch(family))
        )
        if ContractTests.exactStarts.contains(name) {
            #expect(try found.isEqual(to: frozen))
        } else if ContractTests.movingStarts.contains(where: { name.hasPrefix($0) }) {
            #expect(found.shape == frozen.shape)
            #expect(try !found.isEqual(to: frozen))
        } else {
            try expectClose(found, frozen, tolerance: 0.02)
            #expect(try !found.isEqual(to: frozen))
        }
    }

    @Test(arguments: accepted)
    func `training leaves the frozen model as it was`(pair: Pair) throws {
        let (name, family) = (pair.name, pair.family)
        let model = try TinyModel(family.model)
        let batch = try batch(family)
        let before = try hidden(model.base.encoder, SiteAdapters(), batch)
        let (trainer, outcome) = try trained(name, on: model.base)
        try expectIdentical(hidden(model.base.encoder, SiteAdapters(), batch), before)
        let after = try hidden(trainer.model.encoder, trainer.model.adapters, batch)
        #expect(try after.isEqual(to: before) == (name == "head"), "the adapter learned")
        let folder = try Fixture.folder.appending(path: family.model).path(percentEncoded: false)
        #expect(try ContentHash(of: Checkpoint(path: folder)) == model.base.identity().weights)
        #expect(outcome.steps.count { !$0.loss.isFinite } == 0)
    }

    @Test(arguments: accepted)
    func `only the adapter and the head are trained`(pair: Pair) throws {
        let (name, family) = (pair.name, pair.family)
        let model = try TinyModel(family.model)
        let (trainer, outcome) = try trained(name, on: model.base)
        let prefixes = name == "full" ? ["head.", "base."] : ["head.", "adapter."]
        #expect(Set(trainer.slices.map(\.name)) == Set(outcome.tensors.keys))
        for slice in trainer.slices {
            #expect(prefixes.contains { slice.name.hasPrefix($0) }, "\(slice.name)")
        }
        for site in model.base.encoder.sites.norm {
            #expect(!site.norm.weight.requiresGradient && site.norm.bias?.requiresGradient != true)
        }
        // The frozen part records nothing: without adapters there is nothing to differentiate.
        let batch = try batch(family)
        let context = ForwardContext(layout: batch.layout)
        let output = try model.base.encoder(batch, in: context, wanted: .all)
        #expect(!output.hidden.requiresGradient)
    }

    @Test(arguments: accepted)
    func `what is saved comes back bit for bit`(pair: Pair) throws {
        let (name, family) = (pair.name, pair.family)
        let model = try TinyModel(family.model)
        let (trainer, outcome) = try trained(name, on: model.base)
        let task = TinyTask.classification
        let bundle = AdapterBundle(
            method: try method(name),
            methodName: name,
            head: task.head(on: model.base.shape),
            labels: task.labels,
            maxLength: 32,
            base: try model.base.identity(),
            provenance: ["seed": "0"],
            tensors: outcome.tensors
        )
        let folder = try TemporaryFolder()
        let path = folder.path + "/adapter"
        try bundle.write(to: path)
        let loaded = try AdapterBundle(path: path)
        #expect(Set(loaded.tensors.keys) == Set(bundle.tensors.keys))
        for (key, tensor) in bundle.tensors {
            try expectIdentical(try #require(loaded.tensors[key]), tensor, key)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(try encoder.encode(loaded.method) == encoder.encode(bundle.method))
        #expect(loaded.head == bundle.head)
        #expect(loaded.labels == bundle.labels)
        #expect(loaded.base == bundle.base)
        let predictor = try Predictor(model.base, adapter: loaded)
        let rows = try task.rows(model.base)
        let (found, expected) = (
            try predictor.model.predictions(rows).logits, try trainer.model.predictions(rows).logits
        )
        if testDevice == .cpu {
            #expect(found == expected)
        } else {
            // cuBLAS chooses kernels by where weights lie.
            for (found, expected) in zip(found, expected) {
                expectClose(found.map(Double.init), expected.map(Double.init))
            }
        }
    }

    @Test(arguments: accepted.filter { $0.name != "full" })
    func `a bfloat16 model is close to float32`(pair: Pair) throws {
        let (name, family) = (pair.name, pair.family)
        let model = try TinyModel(family.model)
        let (trainer, outcome) = try trained(name, on: model.base)
        let half = try adapted(
            name,
            TinyModel(family.model, dtype: .bfloat16).base,
            StoredParameters(outcome.tensors)
        )
        let rows = try TinyTask.classification.rows(model.base)
        let (found, expected) = (
            try half.predictions(rows).logits, try trainer.model.predictions(rows).logits
        )
        for (found, expected) in zip(found, expected) {
            expectClose(found.map(Double.init), expected.map(Double.init), tolerance: 0.06)
        }
    }

    @Test(arguments: accepted)
    func `a row of a mixed batch is as it is alone, and frozen where no adapter acts`(pair: Pair)
        throws
    {
        let (name, family) = (pair.name, pair.family)
        let encoder = try referenceTower(family.model)
        let (a, b) = (
            try method(name).seeded(1, at: encoder.sites),
            try method(name).seeded(2, at: encoder.sites)
        )
        let batch = try batch(family)
        let groups = [(0..<2, a), (2..<3, SiteAdapters()), (3..<batch.layout.rowCount, b)]
        guard a.norm.isEmpty, a.embedding.isEmpty else {
            let error = #expect(throws: ConfigurationError.self) {
                try SiteAdapters.rows(groups)
            }
            #expect(error?.problem.contains("\(encoder.tower.rawValue).") == true)
            return
        }
        let mixed = try hidden(encoder, SiteAdapters.rows(groups), batch)
        for (rows, adapters) in groups {
            let start = Int(batch.layout.offsets[rows.lowerBound])
            let tokens = start..<Int(batch.layout.offsets[rows.upperBound])
            try expectClose(
                mixed.narrowed(tokens),
                hidden(encoder, adapters, batch).narrowed(tokens),
                "rows \(rows)"
            )
        }
    }

    @Test(arguments: accepted)
    func `side by side each answers as it does alone`(pair: Pair) throws {
        let model = try TinyModel(pair.family.model)
        let members = try (1...2).map {
            try adapted(pair.name, model.base, MovedParameters(seed: $0))
        }
        let (adapters, rows) = (members[0].adapters, [3, 0, 7])
        guard adapters.norm.isEmpty, adapters.embedding.isEmpty, pair.name != "full" else {
            #expect(throws: ConfigurationError.self) { try ParallelModel(members) }
            return
        }
        let data = try TinyTask.classification.rows(model.base)
        try withoutGradients { () throws in
            let together = try ParallelModel(members).logits(of: rows, in: data)
            for (found, member) in zip(together, members) {
                try expectClose(found, member.logits(data.batch(rows, device: testDevice)))
            }
        }
    }

    /// Methods whose weights have no mean, which is said.
    private static func hasNoMean(_ name: String) -> Bool {
        ["head", "full", "loreft", "dora", "pissa", "unipelt"].contains {
            name.split(separator: "[").first?.hasPrefix($0) == true
        }
    }

    @Test(arguments: accepted)
    func `the mean of an adapter and itself is that adapter`(pair: Pair) throws {
        let (name, family) = (pair.name, pair.family)
        let model = try TinyModel(family.model)
        let fresh = FreshParameters(seed: 3)
        _ = try adapted(name, model.base, fresh)
        let generator = try Generator(seed: 3)
        let values = try fresh.parameters.map { name, value in
            (name, try value.moved(to: testDevice) + generator.noise(value.shape, deviation: 0.1))
        }
        let tensors = Dictionary(uniqueKeysWithValues: values)
        let member = (
            name: "a", method: try method(name),
            parameters: tensors.filter { $0.key.hasPrefix("adapter.") }
        )
        let mean = try WeightArithmetic(.linear, count: 2)
        guard !ContractTests.hasNoMean(name) else {
            let error = #expect(throws: ConfigurationError.self) { try mean([member, member]) }
            #expect(error?.problem.hasPrefix("'linear' cannot be done to") == true)
            return
        }
        let combined = try mean([member, member])
        let sites = model.base.encoder.sites
        func states(_ method: any AdapterMethod, _ parameters: [String: Tensor]) throws -> Tensor {
            let stored = StoredParameters(
                try parameters.mapValues { try $0.moved(to: testDevice) }
            )
            let adapters = try method.attached(to: sites, ParameterScope(stored) / "adapter")
            try stored.checkAllUsed()
            return try hidden(model.base.encoder, adapters, batch(family))
        }
        try expectClose(
            states(combined.method, combined.parameters),
            states(member.method, member.parameters)
        )
    }

    @Test(arguments: refused)
    func `a method without a place in a family is refused, both named`(pair: Pair) throws {
        let model = try TinyModel(pair.family.model)
        let error = #expect(throws: TrainingError.self) {
            try adapted(pair.name, model.base, FreshParameters(seed: 3))
        }
        #expect(
            error
                == .nothingToTrain(
                    method: try type(of: method(pair.name)).identifier,
                    family: model.base.shape.family
                )
        )
    }

    // In a process of its own, since the count of tensors is the process's.
    @Test(arguments: TinyFamily.all)
    func `nothing is left of an adapter that is let go`(family: TinyFamily) async throws {
        let path = try family.model
        let names = ContractTests.accepted.filter { $0.family.name == family.name }.map(\.name)
        await #expect(processExitsWith: .success) {
            [path = path as String, names = names as [String]] in
            let model = try TinyModel(path)
            for name in names {
                try checkNoLeaks {
                    let task = TinyTask.classification
                    var options = TrainingOptions()
                    (options.epochs, options.batchSize, options.workers) = (1, 8, 2)
                    let trainer = try Trainer(
                        model.base,
                        method: AdapterRegistry.builtin.method(named: name),
                        head: task.head(on: model.base.shape),
                        labels: task.labels,
                        options: options
                    )
                    let rows = try task.rows(model.base)
                    _ = try trainer.run(on: rows, evaluation: rows)
                }
            }
        }
    }
}

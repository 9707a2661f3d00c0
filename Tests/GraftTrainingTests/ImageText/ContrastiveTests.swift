import GraftAdapters
import GraftFormats
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

/// Training on pairs of images and texts.
///
/// That the plain loop here computes what transformers does is tested in
/// `ClipParityTests`.
@Suite("Contrastive training")
struct ContrastiveTests {
    private let bottleneck = "seq_bn[reduction_factor=4]"

    private func prepared(
        _ base: BaseModel,
        _ method: String,
        _ change: (inout TrainingOptions) -> Void
    ) throws -> Trainer {
        var options = TrainingOptions()
        (options.epochs, options.batchSize, options.workers) = (10, 8, 1)
        (options.schedule, options.warmup, options.learningRate) = (.constant, 0, 1e-2)
        options.maxGradientNorm = 0
        change(&options)
        return try Trainer(
            base,
            method: AdapterRegistry.builtin.method(named: method),
            head: HeadConfiguration(
                .imageText,
                outputCount: base.outputCount(.imageText, labels: nil)
            ),
            labels: [],
            options: options
        )
    }

    @Test(arguments: [1, 3, 8])
    func `however a batch is split, its steps are those of the plain loop`(workers: Int) throws {
        let pictures = try CaptionedPictures()
        let (base, rows) = (pictures.base, pictures.rows)
        #expect(rows.count == 8)
        let trainer = try prepared(base, bottleneck) { $0.workers = workers }
        let found = try trainer.run(on: rows, evaluation: nil)

        let clip = try #require(base.model as? any ImageTextModel)
        let fresh = FreshParameters(seed: 0)
        let method = try AdapterRegistry.builtin.method(named: bottleneck)
        _ = try method.attached(to: clip.sites, ParameterScope(fresh) / "adapter")
        let buffer = try ParameterBuffer(fresh.parameters, device: testDevice)
        let leaves = zip(buffer.slices, buffer.leaves).map { ($0.name, $1) }
        let stored = StoredParameters(Dictionary(uniqueKeysWithValues: leaves))
        let adapters = try method.attached(to: clip.sites, ParameterScope(stored) / "adapter")
        var optimizer = try AdamW(for: buffer, settings: trainer.options.optimizer)
        let batch = try #require(try rows.batch(0..<8, device: testDevice) as? ImageTextBatch)
        var losses: [Double] = []
        for _ in 0..<10 {
            let loss = try plainLoss(clip, adapters, batch)
            losses.append(try loss.item())
            try optimizer.step(
                buffer,
                gradients: buffer.flattened(gradients(of: loss, for: buffer.leaves)),
                learningRate: trainer.options.learningRate
            )
        }
        #expect(losses[9] < losses[0])
        expectClose(found.steps.map(\.loss), losses, "losses")
        for (slice, leaf) in zip(buffer.slices, buffer.leaves) {
            let tensor = try #require(found.tensors[slice.name])
            try expectClose(tensor, leaf, tolerance: 1e-4, slice.name)
        }
    }

    /// CLIP's loss by its definition, one row at a time; pairs 1 and 2 have one image, and so have 4 and 5.
    private func plainLoss(
        _ clip: any ImageTextModel,
        _ adapters: SiteAdapters,
        _ batch: ImageTextBatch
    ) throws -> Tensor {
        func context(_ layout: RaggedLayout) -> ForwardContext {
            ForwardContext(layout: layout, adapters: adapters)
        }
        let image = try unit(clip.embedding(of: batch.images, in: context(batch.images.layout)))
        let text = try unit(clip.embedding(of: batch.texts, in: context(batch.texts.layout)))
        let logits = try image.matmul(text.transposed(0, 1)) * clip.logitScale.exponential()
        var sum = try Tensor(zeros: [1], device: testDevice)
        for row in 0..<8 {
            let other = [1: 2, 2: 1, 4: 5, 5: 4][row]
            let kept = (0..<8).filter { $0 != other }
            let place = try Tensor([Int64(kept.firstIndex(of: row) ?? 0)])
            let columns = try Tensor(kept.map(Int64.init))
            for matrix in [logits, try logits.transposed(0, 1)] {
                let scores = try matrix.narrowed(row..<row + 1).selecting(columns, along: 1)
                sum = try sum + scores.crossEntropy(place) * 0.5
            }
        }
        return try sum.sum() * (1 / 8)
    }

    private func unit(_ x: Tensor) throws -> Tensor {
        try x / x.squared().sum(along: -1, keepingDimension: true).squareRoot()
    }

    @Test func `parts that are computed twice give the bits of those that wait`() throws {
        let pictures = try CaptionedPictures()
        var trainer = try prepared(pictures.base, "seq_bn[reduction_factor=4,dropout=0.3]") {
            $0.workers = 3
        }
        let waiting = try trainer.run(on: pictures.rows, evaluation: nil)
        trainer = try prepared(pictures.base, "seq_bn[reduction_factor=4,dropout=0.3]") {
            $0.workers = 3
        }
        trainer.waitingMemory = 0
        let twice = try trainer.run(on: pictures.rows, evaluation: nil)
        #expect(waiting.steps == twice.steps)
        for (name, tensor) in waiting.tensors {
            #expect(try tensor.isEqual(to: #require(twice.tensors[name])), "\(name)")
        }
    }

    @Test func `dropout masks do not depend on how a batch is split`() throws {
        let pictures = try CaptionedPictures()
        func losses(_ workers: Int) throws -> [Double] {
            try prepared(pictures.base, "seq_bn[reduction_factor=4,dropout=0.3]") {
                $0.workers = workers
            }.run(on: pictures.rows, evaluation: nil).steps.map(\.loss)
        }
        let alone = try losses(1)
        let plain = try prepared(pictures.base, bottleneck) { _ in }
            .run(on: pictures.rows, evaluation: nil).steps.map(\.loss)
        #expect(alone != plain)
        expectClose(try losses(3), alone, "losses")
    }

    @Test(arguments: [("lora", 1e-2), ("full", 1e-3)])
    func `pairs are learned by heart, and an adapter gives the scores that training told`(
        method: String,
        learningRate: Double
    ) throws {
        let pictures = try CaptionedPictures()
        let (base, rows) = (pictures.base, pictures.rows)
        let trainer = try prepared(base, method) {
            ($0.epochs, $0.batchSize, $0.workers) = (60, 4, 2)
            $0.learningRate = learningRate
        }
        let outcome = try trainer.run(on: rows, evaluation: rows)
        let best = try #require(outcome.epochs.first { $0.epoch == outcome.bestEpoch }?.metrics)
        #expect((best[.recallAt1] ?? 0) > 0.9)
        #expect(best[.imageRecallAt10] == 1 && best[.textRecallAt10] == 1)
        let frozen = try Predictor(frozen: base, maxLength: 12)
        let before = try HeadKind.imageText.metrics(
            frozen.model.predictions(rows, loss: TaskLoss(.imageText)),
            of: rows,
            labels: []
        )
        #expect((before[.recallAt1] ?? 1) < (best[.recallAt1] ?? 0))

        let bundle = AdapterBundle(
            method: try AdapterRegistry.builtin.method(named: method),
            methodName: method,
            head: trainer.model.head.configuration,
            labels: [],
            maxLength: 12,
            readsPairs: true,
            base: try base.identity(),
            provenance: [:],
            tensors: outcome.tensors
        )
        let folder = try TemporaryFolder()
        try bundle.write(to: folder.path + "/a")
        let read = try AdapterBundle(path: folder.path + "/a")
        let predictor = try Predictor(base, adapter: read)
        let after = try HeadKind.imageText.metrics(
            predictor.model.predictions(rows, loss: TaskLoss(.imageText)),
            of: rows,
            labels: []
        )
        #expect(after.values.filter { $0.key != .loss } == best.values.filter { $0.key != .loss })
        expectClose([after[.loss] ?? .nan], [best[.loss] ?? .nan], "loss")
    }

    @Test func `models and methods that have nothing to compare are refused`() throws {
        let bert = try TinyModel().base
        #expect(throws: TrainingError.self) { try prepared(bert, bottleneck) { _ in } }
        let clip = try CaptionedPictures().base
        #expect(throws: TrainingError.self) {
            try prepared(clip, bottleneck) { $0.labelSmoothing = 0.1 }
        }
        #expect(throws: TrainingError.nothingToTrain(method: "head", family: "clip")) {
            try prepared(clip, "head") { _ in }
        }
    }

    @Test func `recall counts the texts of an image together`() throws {
        // Three images; the first has two texts. Places in the plane, images longer than texts as with a scale.
        let places: [[Float]] = [
            [4, 0, 0.6, 0.8], [4, 0, 1, 0], [0, 4, 0.8, 0.6], [-4, 0, -1, 0],
        ]
        let metrics = try retrievalMetrics(places, images: [0, 0, 2, 3])
        // Texts 0 and 2 are nearer to the other image; image 0 finds text 1, image 2 finds text 0.
        #expect(metrics[.imageRecallAt1] == 0.5)
        expectClose([metrics[.textRecallAt1] ?? .nan], [2.0 / 3])
        expectClose([metrics[.recallAt1] ?? .nan], [(0.5 + 2.0 / 3) / 2])
        #expect(metrics[.imageRecallAt5] == 1 && metrics[.textRecallAt5] == 1)
    }
}

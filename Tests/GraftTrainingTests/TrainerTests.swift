import GraftAdapters
import GraftData
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

@Suite("Trainer")
struct TrainerTests {
    @Test
    func `its losses are those of the plain loop`() throws {
        let base = try TinyModel().base
        var run = TrainingRun {
            ($0.epochs, $0.batchSize, $0.schedule, $0.warmup) = (10, 24, .constant, 0)
            $0.maxGradientNorm = 0
            $0.optimizer.weightDecay = 0.01
        }
        run.method = "seq_bn[reduction_factor=4]"
        let rows = try run.task.rows(base.tokenizer)
        let found = try run.trainer(base).run(on: rows, evaluation: nil)

        let fresh = FreshParameters(seed: run.options.seed)
        let method = try AdapterRegistry.builtin.method(named: run.method)
        _ = try AdaptedModel(base, method: method, head: run.task.head, ParameterScope(fresh))
        let buffer = try ParameterBuffer(fresh.parameters, device: testDevice)
        let leaves = zip(buffer.slices, buffer.leaves).map { ($0.name, $1) }
        let stored = StoredParameters(Dictionary(uniqueKeysWithValues: leaves))
        let model = try AdaptedModel(
            base,
            method: method,
            head: run.task.head,
            ParameterScope(stored)
        )
        var optimizer = try AdamW(for: buffer, settings: run.options.optimizer)
        guard case .classes(let classes) = rows.targets else {
            Issue.record("no classes")
            return
        }
        var losses: [Double] = []
        for _ in 0..<10 {
            let loss = try model.logits(rows.batch(0..<24))
                .crossEntropy(Tensor(classes.map(Int64.init)))
            losses.append(try loss.item())
            try optimizer.step(
                buffer,
                gradients: buffer.flattened(gradients(of: loss, for: buffer.leaves)),
                learningRate: run.options.learningRate
            )
        }
        // The trainer's batches are shuffled, so sums round differently.
        expectClose(found.steps.map(\.loss), losses, tolerance: 2e-6)
        for (slice, leaf) in zip(buffer.slices, buffer.leaves) {
            let tensor = try #require(found.tensors[slice.name])
            try expectClose(tensor, leaf, tolerance: 1e-4, slice.name)
        }
    }

    @Test
    func `workers share a batch without changing the losses`() throws {
        let base = try droppingModel().base
        func losses(_ workers: Int) throws -> [Double] {
            let run = TrainingRun {
                ($0.epochs, $0.workers, $0.learningRate) = (17, workers, 2e-3)
            }
            return try run(base).steps.map(\.loss)
        }
        let alone = try losses(1)
        #expect(alone.count == 51)
        for workers in [2, 3] {
            let shared = try losses(workers)
            for (step, (found, expected)) in zip(shared, alone).enumerated() {
                #expect(abs(found - expected) <= 1e-6 * expected, "step \(step)")
            }
        }
    }

    @Test
    func `a batch of more tokens than a part holds is added up by the same workers`() throws {
        let base = try droppingModel().base
        // 24 rows of 40 tokens are two parts for one worker, and for two.
        let words = Array(repeating: "the film is very good , and the play is poor", count: 4)
        let lines = (0..<24).map { row in
            #"{"text": "\#(words.joined(separator: " "))", "label": "\#(row % 3 == 0)"}"#
        }
        let data = try Dataset(
            parsing: Array(lines.joined(separator: "\n").utf8),
            named: "long",
            schema: RowSchema(.text, target: .category),
            format: .jsonLines
        )
        func losses(_ workers: Int) throws -> [Double] {
            var run = TrainingRun { ($0.epochs, $0.batchSize, $0.workers) = (8, 24, workers) }
            run.options.learningRate = 1e-3
            let rows = try EncodedRows(
                data,
                tokenizer: base.tokenizer,
                maxLength: 40,
                kind: .classification,
                labels: LabelMap(names: ["false", "true"])
            )
            #expect(rows.tokenCount > Workers.partLength)
            return try run.trainer(base).run(on: rows, evaluation: nil).steps.map(\.loss)
        }
        let (alone, shared) = (try losses(1), try losses(2))
        #expect(alone.count == 8)
        #expect(try losses(2) == shared)
        for (found, expected) in zip(shared, alone) {
            #expect(abs(found - expected) <= 1e-6 * expected)
        }
    }

    @Test(arguments: [1, 2])
    func `equal seeds give equal bits, others do not`(workers: Int) throws {
        let base = try droppingModel().base
        func outcome(_ seed: UInt64) throws -> Trainer.Outcome {
            try TrainingRun { ($0.seed, $0.workers) = (seed, workers) }(base)
        }
        let (first, second, other) = (try outcome(1), try outcome(1), try outcome(2))
        #expect(first.steps == second.steps)
        #expect(first.epochs == second.epochs)
        for (name, tensor) in first.tensors {
            try expectIdentical(try #require(second.tensors[name]), tensor, name)
        }
        #expect(first.steps.map(\.loss) != other.steps.map(\.loss))
    }

    @Test
    func `accumulated batches are one batch`() throws {
        let base = try TinyModel().base
        let whole = try TrainingRun()(base)
        let parts = try TrainingRun { ($0.batchSize, $0.accumulation) = (4, 2) }(base)
        expectClose(parts.steps.map(\.loss), whole.steps.map(\.loss), tolerance: 1e-5)
    }

    @Test(arguments: [(workers: 3, accumulation: 1), (1, 2), (2, 2)])
    func `what an adapter adds to the loss is added once a step`(
        workers: Int,
        accumulation: Int
    ) throws {
        let base = try TinyModel().base
        func steps(_ workers: Int, _ accumulation: Int) throws -> [Trainer.LoggedStep] {
            var run = TrainingRun {
                ($0.batchSize, $0.accumulation) = (8 / accumulation, accumulation)
                $0.workers = workers
            }
            run.method = "adalora[init_r=4,target_r=2,tinit=2,tfinal=3,orth_reg_weight=5]"
            return try run(base).steps
        }
        let (whole, parts) = (try steps(1, 1), try steps(workers, accumulation))
        expectClose(parts.map(\.loss), whole.map(\.loss), tolerance: 1e-5)
        expectClose(
            parts.map(\.gradientNorm),
            whole.map(\.gradientNorm),
            tolerance: 1e-4
        )
    }

    @Test
    func `a run counts what it saw and tells what happens`() throws {
        let base = try TinyModel().base
        let run = TrainingRun { $0.epochs = 2 }
        let rows = try run.task.rows(base.tokenizer)
        var (started, steps, evaluated) = (0, 0, 0)
        let outcome = try run.trainer(base).run(
            on: rows,
            evaluation: rows,
            onEvent: { event in
                switch event {
                case .started(let step, let total): started += step == 0 && total == 6 ? 1 : 0
                case .step(_, let total, let rows): steps += total == 6 ? rows : 0
                case .evaluated: evaluated += 1
                case .checkpoint: Issue.record("there is no checkpoint folder")
                }
            }
        )
        #expect((started, steps, evaluated) == (1, 48, 2))
        #expect(outcome.rows == 48)
        #expect(outcome.tokens == 2 * rows.tokenCount)
        #expect(outcome.epochs.map(\.epoch) == [1, 2])
        #expect(outcome.steps.map(\.step) == Array(1...6))
        #expect(outcome.steps.map(\.epoch) == [1, 1, 1, 2, 2, 2])
        #expect(outcome.steps[0].learningRate == 0, "the first step of a warm-up")
    }

    @Test
    func `the best epoch is kept and patience ends the run`() throws {
        let base = try TinyModel().base
        // At such a rate nothing moves: no epoch after the first is better.
        func still(_ epochs: Int) -> TrainingRun {
            TrainingRun {
                ($0.epochs, $0.learningRate, $0.schedule, $0.warmup) = (epochs, 1e-12, .constant, 0)
                $0.patience = 2
            }
        }
        let outcome = try still(10)(base)
        #expect(outcome.epochs.count == 3)
        #expect(outcome.bestEpoch == 1)
        let first = try still(1)(base)
        for (name, tensor) in outcome.tensors {
            try expectIdentical(tensor, try #require(first.tensors[name]), name)
        }
    }

    @Test
    func `without evaluation the last epoch is kept`() throws {
        let base = try TinyModel().base
        let run = TrainingRun()
        let trainer = try run.trainer(base)
        let rows = try run.task.rows(base.tokenizer)
        let outcome = try trainer.run(on: rows, evaluation: nil)
        #expect(outcome.bestEpoch == 4)
        let kept = try AdaptedModel(
            base,
            method: AdapterRegistry.builtin.method(named: run.method),
            head: run.task.head,
            ParameterScope(StoredParameters(outcome.tensors))
        )
        #expect(try kept.predictions(rows).logits == trainer.model.predictions(rows).logits)
    }

    @Test
    func `a run of one step learns`() throws {
        let run = TrainingRun { ($0.epochs, $0.batchSize) = (1, 1000) }
        let outcome = try run(TinyModel().base)
        #expect(outcome.steps.count == 1)
        #expect(outcome.steps[0].learningRate == run.options.learningRate)
    }

    @Test
    func `a loss that is not finite ends the run`() throws {
        let base = try TinyModel().base
        let error = #expect(throws: TrainingError.self) {
            try TrainingRun {
                ($0.learningRate, $0.warmup, $0.schedule) = (1e38, 0, .constant)
            }(base)
        }
        guard case .notFinite(let step, nil) = error else {
            Issue.record("expected a non-finite loss, found \(String(describing: error))")
            return
        }
        #expect((2...12).contains(step))
        #expect(error?.description.contains("hint: lower --learning-rate") == true)
    }

    @Test
    func `rows whose class weighs nothing move nothing`() throws {
        var run = TrainingRun { ($0.epochs, $0.batchSize, $0.warmup) = (1, 1, 0) }
        run.classWeights = [0, 1]
        let steps = try run(TinyModel().base).steps
        #expect(steps.count == 24)
        #expect(steps.count { $0.loss == 0 && $0.gradientNorm == 0 } == 12)
        #expect(steps.count { $0.loss > 0 && $0.gradientNorm > 0 } == 12)
    }

    static let unusable: [(@Sendable (inout TrainingOptions) -> Void, String)] = [
        ({ $0.epochs = 0 }, "--epochs must be at least 1, found 0"),
        ({ $0.batchSize = 0 }, "--batch must be at least 1, found 0"),
        ({ $0.workers = 0 }, "--workers must be at least 1, found 0"),
        ({ $0.accumulation = -1 }, "--accumulation must be at least 1, found -1"),
        ({ $0.learningRate = 0 }, "--learning-rate must be positive, found 0.0"),
        ({ $0.learningRate = .infinity }, "--learning-rate must be positive, found inf"),
        ({ $0.warmup = 1.5 }, "--warmup is a share in 0 ... 1, found 1.5"),
        ({ $0.labelSmoothing = 1 }, "--label-smoothing must be in 0 ..< 1, found 1.0"),
        ({ $0.optimizer.weightDecay = -1 }, "\(decay) -1.0"),
        ({ $0.optimizer.weightDecay = .nan }, "\(decay) nan"),
        ({ $0.optimizer.weightDecay = 1e9 }, "\(decay) 1000000000.0"),
    ]

    private static let decay =
        "--weight-decay must not be negative, and its product with --learning-rate below 1, found"

    @Test(arguments: unusable.indices)
    func `options that cannot be used are named`(index: Int) throws {
        let (change, expected) = TrainerTests.unusable[index]
        let base = try TinyModel().base
        let error = #expect(throws: TrainingError.self) { try TrainingRun(change).trainer(base) }
        #expect(error?.description == expected)
    }

    @Test(arguments: TinyTask.allCases)
    func `every task is learned by heart`(task: TinyTask) throws {
        let base = try TinyModel().base
        var run = TrainingRun { ($0.epochs, $0.learningRate, $0.workers) = (120, 2e-2, 2) }
        run.task = task
        let outcome = try run(base)
        let best = try #require(outcome.epochs[outcome.bestEpoch - 1].metrics)
        #expect(try #require(best[task.kind.primaryMetric]) > 0.95, "\(best)")
        let losses = outcome.epochs.map(\.trainingLoss)
        #expect(losses[losses.count - 1] < losses[0] / 4)
    }
}

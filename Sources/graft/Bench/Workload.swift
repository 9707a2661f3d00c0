internal import GraftAdapters
internal import GraftData
internal import GraftFormats
internal import GraftLayers
internal import GraftModels
internal import GraftText
internal import GraftTorch
internal import GraftTraining

/// What is measured beside the machine's ceilings: the same rows loaded, tokenized, learned, scored and
/// encoded in every round.
struct Workload {
    /// One thing that is done with rows, and the products that it takes.
    struct Pass {
        /// The rows.
        let rows: EncodedRows
        /// Floating-point operations of the products that they take.
        let operations: Int
        /// Seconds for all rows, in each round.
        var seconds = Rounds()
    }

    let base: BaseModel
    /// Bytes of the model's weights.
    let weightBytes: Int
    /// Trained parameters, head included.
    let trainableCount: Int
    /// Blocks below everything that is trained.
    let trunkDepth: Int

    /// Seconds to load the model.
    private(set) var load = Rounds()
    /// Tokens per second, on one core and on all.
    private(set) var oneCoreTokens = Rounds()
    private(set) var allCoresTokens = Rounds()
    private(set) var training: Pass
    private(set) var evaluation: Pass
    private(set) var encoding: Pass

    private let inputs: [TextInput]
    private let inputTokens: Int
    private let encodingOptions: EncodingOptions
    private let makeTrainer: () throws -> Trainer
    private let workers: Workers

    /// Prepares as many rows as a step's speed lets pass in the time of a measurement.
    ///
    /// - Parameters:
    ///   - command: The settings.
    ///   - base: The model.
    ///   - source: The rows to choose from.
    ///   - maxLength: The longest row in tokens.
    ///   - seconds: How long a measurement takes.
    /// - Throws: What training on the rows would throw.
    init(
        _ command: Bench,
        base: BaseModel,
        source: BenchRows,
        maxLength: Int,
        seconds: Double
    ) throws {
        self.base = base
        workers = Workers(command.workers)
        weightBytes = try Checkpoint(path: base.path).byteCount
        inputs = source.inputs
        let all = try source.encoded(source.data.count)
        inputTokens = all.tokenCount
        encodingOptions = EncodingOptions(maxLength: maxLength, tracksSource: false)
        let method = try command.method.parsed()
        let head = try command.task.head(outputs: source.labels?.count ?? 1, on: base.shape)
        var options = TrainingOptions()
        options.epochs = 1
        options.batchSize = command.batch
        options.workers = workers.count
        options.learningRate = method.defaultLearningRate
        let settings = options
        makeTrainer = {
            try Trainer(
                base,
                method: method,
                head: head,
                labels: source.labels?.names ?? [],
                options: settings
            )
        }
        let trainer = try makeTrainer()
        let count = try Workload.rowCount(trainer, all, seconds: seconds)
        let learned = try source.encoded(count)
        // Without gradients more rows pass, and the last parts' waiting for each other weighs less.
        let scored = try source.encoded(4 * count)
        let model = trainer.model
        let adapted = try ProductCount(
            encoder: model.encoder,
            shape: base.shape,
            adapters: model.adapters,
            head: model.head,
            trained: trainer.slices
        )
        let plain = try ProductCount(encoder: base.encoder, shape: base.shape)
        let (short, long) = (learned.lengths, scored.lengths)
        training = Pass(
            rows: learned,
            operations: adapted.forward(short) + adapted.backward(short)
        )
        evaluation = Pass(rows: scored, operations: adapted.forward(long))
        encoding = Pass(rows: scored, operations: plain.forward(long))
        trainableCount = trainer.trainableCount
        trunkDepth = model.encoder.trunkDepth(below: model.adapters)
    }

    /// The tokens that a worker gets of a batch, on average.
    func partTokens(batch: Int) -> Int {
        let rows = training.rows
        let tokens = min(batch, rows.count) * rows.tokenCount / rows.count
        return max(1, tokens / workers.count)
    }

    /// Measures each figure once more, for `seconds` each.
    mutating func measure(seconds: Double) throws {
        let path = base.path
        load.append(try Workload.secondsEach(seconds) { _ = try BaseModel(path: path) })
        let tokenizer = try base.tokenizer
        let options = encodingOptions
        let alone = Workload.secondsEach(seconds) {
            for input in inputs { _ = tokenizer.encode(input, options: options) }
        }
        let together = Workload.secondsEach(seconds) {
            _ = tokenizer.encodeBatch(inputs, options: options)
        }
        oneCoreTokens.append(Double(inputTokens) / alone)
        allCoresTokens.append(Double(inputTokens) / together)
        try measureTraining(seconds: seconds)
        let model = try makeTrainer().model
        let loss = TaskLoss(model.head.configuration.kind)
        evaluation.seconds.append(
            try Workload.secondsEach(seconds) {
                _ = try model.predictions(evaluation.rows, loss: loss, workers: workers)
            }
        )
        let states = HiddenStates(
            encoder: base.encoder,
            hiddenSize: base.shape.hiddenSize,
            adapters: SiteAdapters(),
            device: base.device,
            workers: workers
        )
        encoding.seconds.append(
            try Workload.secondsEach(seconds) {
                _ = try states.pooled(encoding.rows, .mean, normalize: true)
            }
        )
    }

    /// Trains on all rows, from the same start values every time; only steps count.
    private mutating func measureTraining(seconds: Double) throws {
        var (spent, runs) = (0.0, 0)
        while spent < seconds || runs == 0 {
            spent += try makeTrainer().run(on: training.rows, evaluation: nil).trainingSeconds
            runs += 1
        }
        training.seconds.append(spent / Double(runs))
    }

    /// Whole batches that pass in the time of a measurement, found by training for a while.
    private static func rowCount(
        _ trainer: Trainer,
        _ rows: EncodedRows,
        seconds: Double
    ) throws -> Int {
        let batch = trainer.options.batchSize
        var (reached, spent) = (0, 0.0)
        var start = ContinuousClock.now
        do {
            _ = try trainer.run(
                on: rows,
                evaluation: nil,
                shouldStop: { spent >= seconds },
                onEvent: { event in
                    switch event {
                    case .started: start = .now
                    case .step(_, _, let count):
                        reached += count
                        spent = (ContinuousClock.now - start) / .seconds(1)
                    default: break
                    }
                }
            )
        } catch TrainingError.interrupted {}
        let batches = max(4, (reached + batch - 1) / batch)
        return min(rows.count, batches * batch)
    }

    /// Repeats `body` for so many seconds and returns the time of one.
    static func secondsEach<Failure: Error>(
        _ seconds: Double,
        _ body: () throws(Failure) -> Void
    ) throws(Failure) -> Double {
        let start = ContinuousClock.now
        var (spent, runs) = (0.0, 0)
        while spent < seconds || runs == 0 {
            try body()
            runs += 1
            spent = (ContinuousClock.now - start) / .seconds(1)
        }
        return spent / Double(runs)
    }
}

extension EncodedRows {
    /// The tokens of each row.
    fileprivate var lengths: [Int] { (0..<count).map(length) }
}

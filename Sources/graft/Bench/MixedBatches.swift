internal import GraftAdapters
internal import GraftData
internal import GraftLayers
internal import GraftModels
internal import GraftTorch
internal import GraftTraining

/// Batches whose rows have adapters of their own, each timed beside the same rows under one adapter.
///
/// What is timed is what a server does with a batch that has been tokenized: to put it in order, and to compute the last
/// hidden states of all tokens.
struct MixedBatches {
    /// The rows over so many adapters.
    struct Case {
        let adapterCount: Int
        /// Seconds a batch, in each round.
        var seconds = Rounds()
    }

    /// The batches, that of one adapter first.
    private(set) var cases: [Case]
    /// The rows of a batch.
    let rows: EncodedRows
    private let base: BaseModel
    private let members: [SiteAdapters]
    private let workers: Workers

    /// Prepares a batch.
    ///
    /// - Parameters:
    ///   - command: The settings.
    ///   - counts: Over how many adapters rows are spread, in turn.
    ///   - base: The model.
    ///   - source: The rows to choose from.
    /// - Throws: `ConfigurationError` naming what cannot be in a mixed batch.
    init(_ command: Bench, counts: [Int], base: BaseModel, source: BenchRows) throws {
        let methods = try AdapterRegistry.expressions(in: command.method.name)
            .map { try AdapterRegistry.builtin.method(named: $0) }
        rows = try source.encoded(command.batch)
        guard let most = counts.max(), most <= rows.count else {
            throw CommandError(
                "--adapters: more adapters than the \(rows.count) rows of a batch",
                hint: "raise --batch"
            )
        }
        members = try (0..<most).map { number in
            let scope = ParameterScope(FreshParameters(seed: UInt64(number)))
            let method = methods[number % methods.count]
            let adapters = try method.attached(to: base.encoder.sites, scope)
            guard !adapters.sites.isEmpty else {
                throw CommandError(
                    "--adapters: '\(type(of: method).identifier)' acts nowhere in a frozen model",
                    hint: "lora or double_seq_bn"
                )
            }
            return adapters
        }
        cases = ([1] + counts.filter { $0 > 1 }).map { Case(adapterCount: $0) }
        self.base = base
        workers = Workers(command.workers)
        // A server's weights are laid out for many batches.
        try base.pack(for: source.encoded(source.data.count))
    }

    /// Measures each batch once more, for `seconds` each.
    mutating func measure(seconds: Double) throws {
        for index in cases.indices {
            let count = cases[index].adapterCount
            cases[index].seconds.append(
                try Workload.secondsEach(seconds) { try run(adapterCount: count) }
            )
        }
    }

    /// Computes a batch, each worker a stretch of rows.
    private func run(adapterCount: Int) throws {
        let stretches = stretches(adapterCount: adapterCount)
        _ = try workers.map(stretches.count) { number in
            try withoutGradients { () throws in
                let own = stretches[number]
                let mixed = try MixedBatch(members, of: own.map { $0 % adapterCount })
                let batch = try rows.batch(mixed.order.map { own[$0] })
                let context = ForwardContext(layout: batch.layout, adapters: mixed.adapters)
                _ = try base.encoder(batch, in: context, wanted: .all)
            }
        }
    }

    /// Shares the rows out by their tokens, those of one adapter together.
    private func stretches(adapterCount: Int) -> [[Int]] {
        var stretches = [[Int]](repeating: [], count: min(workers.count, rows.count))
        var tokens = 0
        for row in (0..<rows.count).sorted(by: {
            ($0 % adapterCount, $0) < ($1 % adapterCount, $1)
        }) {
            stretches[tokens * stretches.count / rows.tokenCount].append(row)
            tokens += rows.length(row)
        }
        return stretches.filter { !$0.isEmpty }
    }
}

extension MixedBatches {
    /// For people.
    func text(_ command: Bench, _ source: BenchRows, otherLoad: String) -> String {
        let facts = Table(rows: [
            ["model", base.path],
            ["methods", command.method.name],
            ["rows", source.summary],
            ["", "\(rows.count) a batch, \(Figures.count(rows.tokenCount)) tokens"],
            ["machine", otherLoad],
        ])
        let lines = cases.map { batch in
            [
                Figures.count(batch.adapterCount),
                Figures.measure(batch.seconds.median * 1000),
                Figures.percent(batch.seconds.spread),
                Figures.measure(besideOne(batch).median),
            ]
        }
        let table = Table(
            rows: [["adapters", "ms a batch", "spread", "beside one"]] + lines,
            rightAligned: [0, 1, 2, 3]
        )
        return facts.text + "\n\n" + table.text
    }

    /// For programs.
    func json(_ command: Bench, isQuiet: Bool) -> JSONValue {
        .object([
            .init("model", .string(base.path)),
            .init("methods", .string(command.method.name)),
            .init("rows", .integer(rows.count)),
            .init("tokens", .integer(rows.tokenCount)),
            .init("is_quiet", .bool(isQuiet)),
            .init(
                "batches",
                .array(
                    cases.map { batch in
                        .object([
                            .init("adapters", .integer(batch.adapterCount)),
                            .init("seconds", batch.seconds.json),
                            .init("beside_one", besideOne(batch).json),
                        ])
                    }
                )
            ),
        ])
    }

    /// A batch's time by that of one adapter in the same round.
    private func besideOne(_ batch: Case) -> Rounds {
        batch.seconds.divided(by: cases[0].seconds)
    }
}

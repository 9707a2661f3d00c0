internal import Foundation
internal import GraftData
internal import GraftFormats
internal import GraftLayers
internal import GraftModels
internal import GraftTorch
internal import GraftTraining

extension TrainingResult {
    /// The report of the run.
    ///
    /// - Parameter command: The arguments that reproduce it.
    /// - Returns: The report.
    /// - Throws: What scoring the kept parameters once more throws.
    func report(command: [String]) throws -> RunReport {
        let (base, options) = (run.base, run.trainer.options)
        let age = ProcessFacts.age ?? 0
        var report = RunReport(
            title: URL(filePath: output).lastPathComponent,
            command: command,
            started: Date(timeIntervalSinceNow: -age),
            model: RunReport.Model(
                name: URL(filePath: base.path).lastPathComponent,
                family: base.shape.family,
                layers: base.shape.layerCount,
                hiddenSize: base.shape.hiddenSize,
                parameters: base.parameterCount,
                contentHash: bundle.base.weights.hexadecimal
            ),
            method: RunReport.Method(run.methodName, configuration: try methodSettings()),
            task: run.head.kind.rawValue
        )
        report.data = [.init(role: "train", path: run.train.path, rows: run.train.count)]
        if let evaluation = run.evaluation {
            report.data.append(.init(role: "eval", path: evaluation.path, rows: evaluation.count))
        }
        report.labels = labelCounts
        report.primaryMetric = run.metric.rawValue
        report.majorityBaseline = majorityBaseline
        report.parameters = RunReport.Parameters(
            trainable: run.trainer.trainableCount,
            adapter: adapterParameters,
            head: headParameters,
            total: totalParameters,
            sites: SiteParameters.all(of: run.trainer.slices, in: run.trainer.model.adapters)
                .map { .init(layer: $0.site.layer, path: $0.place, parameters: $0.parameters) }
        )
        report.settings = settings(options)
        report.steps = loggedSteps
        report.epochs = epochs
        report.bestEpoch = outcome.bestEpoch
        report.metrics =
            outcome.bestMetrics?.ordered.map { .init($0.metric.rawValue, $0.value) } ?? []
        report.confusion = outcome.bestMetrics?.confusion
        report.mistakes = try mistakes(limit: 20)
        report.speed.examplesPerSecond = rowsPerSecond
        report.speed.tokensPerSecond = tokensPerSecond
        report.speed.readySeconds = readySeconds
        report.speed.trainSeconds = outcome.trainingSeconds
        if let rows = run.evaluation?.count, outcome.evaluationSeconds > 0 {
            let evaluated = Double(rows * outcome.epochs.count)
            report.speed.evalExamplesPerSecond = evaluated / outcome.evaluationSeconds
        }
        report.versions = [
            .init("graft", Graft.version), .init("libtorch", try Torch.version()),
            .init("swift", ProcessFacts.swiftVersion),
        ]
        report.warnings = run.warnings
        report.peakMemory = ProcessFacts.peakMemory
        report.duration = ProcessFacts.age ?? 0
        return report
    }

    private func methodSettings() throws -> [RunReport.Entry] {
        let data = try JSONEncoder().encode(run.method)
        let fields = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
        return try fields.sorted { $0.key < $1.key }.map { name, value in
            let text = try JSONSerialization.data(
                withJSONObject: value,
                options: [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes]
            )
            return RunReport.Entry(name, String(decoding: text, as: UTF8.self))
        }
    }

    private func settings(_ options: TrainingOptions) -> [RunReport.Entry] {
        let all: [RunReport.Entry] = [
            .init("epochs", options.epochs), .init("batch", options.batchSize),
            .init("accumulation", options.accumulation),
            .init("learning rate", options.learningRate),
            .init("schedule", options.schedule.rawValue), .init("warmup", options.warmup),
            .init("weight decay", options.optimizer.weightDecay),
            .init("largest gradient norm", options.maxGradientNorm),
            .init("label smoothing", options.labelSmoothing),
            .init("longest row", run.maxLength), .init("seed", options.seed),
            .init("workers", options.workers), .init("head layers", run.head.layers),
            .init("head pooling", run.head.pooling.rawValue),
        ]
        return all + (options.patience.map { [.init("patience", $0)] } ?? [])
    }

    private var labelCounts: [RunReport.Label] {
        func counts(_ rows: EncodedRows?) -> [Int]? {
            var counts = [Int](repeating: 0, count: run.labels.count)
            switch rows?.targets {
            case .classes(let numbers): for number in numbers { counts[Int(number)] += 1 }
            case .classLists(let lists): for number in lists.joined() { counts[number] += 1 }
            case .tags(let numbers):
                for number in numbers where number >= 0 { counts[Int(number)] += 1 }
            case .numbers, .some(.none), nil: return nil
            }
            return counts
        }
        let (train, eval) = (counts(run.trainRows), counts(run.evaluationRows))
        return run.labels.enumerated().map { number, name in
            .init(name, trainRows: train?[number] ?? 0, evalRows: eval?[number])
        }
    }

    private var epochs: [RunReport.Epoch] {
        outcome.epochs.compactMap { epoch in
            guard let metrics = epoch.metrics else { return nil }
            return .init(
                number: epoch.epoch,
                step: outcome.steps.last { $0.epoch == epoch.epoch }?.step ?? 0,
                metrics: metrics.ordered.map { .init($0.metric.rawValue, $0.value) }
            )
        }
    }

    /// At most some 500 points: each the mean over the steps since the last.
    private var loggedSteps: [RunReport.Step] {
        let perEpoch = Double(outcome.steps.count { $0.epoch == 1 })
        let stride = max(1, (outcome.steps.count + 499) / 500)
        return Swift.stride(from: 0, to: outcome.steps.count, by: stride).compactMap { first in
            let group = outcome.steps[first..<min(first + stride, outcome.steps.count)]
            guard let last = group.last else { return nil }
            return RunReport.Step(
                number: last.step,
                epoch: Double(last.step) / max(1, perEpoch),
                loss: group.reduce(0) { $0 + $1.loss } / Double(group.count),
                learningRate: last.learningRate,
                gradientNorm: last.gradientNorm
            )
        }
    }

    /// The wrong answers that the adapter is surest of.
    private func mistakes(limit: Int) throws -> [RunReport.Mistake] {
        guard let data = run.evaluation, let rows = run.evaluationRows,
            case .classes(let wanted) = rows.targets
        else { return [] }
        let predictor = try Predictor(run.base, adapter: bundle, allowsBaseMismatch: true)
        let workers = Workers(run.trainer.options.workers)
        let wrong = try predictor.answers(rows, workers: workers).enumerated().compactMap {
            row,
            answer -> (row: Int, predicted: String, score: Double)? in
            guard let predicted = answer.labels.first,
                predicted != run.labels[Int(wanted[row])]
            else { return nil }
            return (row, predicted, answer.scores.map(\.score).max() ?? 0)
        }
        return wrong.sorted { ($1.score, $0.row) < ($0.score, $1.row) }.prefix(limit).map {
            let (text, pair) = (data[$0.row].text, data[$0.row].pair)
            return RunReport.Mistake(
                text: text + (pair.map { " | " + $0 } ?? ""),
                gold: run.labels[Int(wanted[$0.row])],
                predicted: $0.predicted,
                score: $0.score
            )
        }
    }
}

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
    /// - Parameters:
    ///   - command: The arguments that reproduce it.
    ///   - meter: What measured it.
    /// - Returns: The report.
    /// - Throws: What scoring the kept parameters once more throws.
    func report(command: [String], meter: RunMeter) throws -> RunReport {
        let options = run.trainer.options
        var report = RunReport(
            title: URL(filePath: output).lastPathComponent,
            command: command,
            started: meter.started,
            model: RunReport.Model(run.task.base, hash: bundle.base.weights.hexadecimal),
            method: RunReport.Method(run.methodName, configuration: try methodSettings()),
            task: run.task.head.kind.rawValue
        )
        report.data = run.task.files
        report.labels = labelCounts
        report.primaryMetric = run.metric.rawValue
        report.majorityBaseline = majorityBaseline
        report.parameters = parameters
        report.settings = options.entries + run.task.entries
        report.steps = loggedSteps
        report.epochs = epochs
        report.bestEpoch = outcome.bestEpoch
        report.metrics =
            outcome.bestMetrics?.ordered.map { .init($0.metric.rawValue, $0.value) } ?? []
        report.confusion = outcome.bestMetrics?.confusion
        report.fusion = fusion
        report.mistakes = try mistakes(limit: 20)
        report.speed.examplesPerSecond = rowsPerSecond
        report.speed.tokensPerSecond = tokensPerSecond
        report.speed.readySeconds = readySeconds
        report.speed.trainSeconds = outcome.trainingSeconds
        if let rows = run.task.evaluation?.count, outcome.evaluationSeconds > 0 {
            let evaluated = Double(rows * outcome.epochs.count)
            report.speed.evalExamplesPerSecond = evaluated / outcome.evaluationSeconds
        }
        report.versions = ProcessFacts.versions
        report.warnings = run.warnings
        report.peakMemory = peakMemory
        report.duration = meter.seconds
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

    private var labelCounts: [RunReport.Label] {
        func counts(_ rows: EncodedRows?) -> [Int]? {
            var counts = [Int](repeating: 0, count: run.task.labels.count)
            switch rows?.targets {
            case .classes(let numbers): for number in numbers { counts[Int(number)] += 1 }
            case .classLists(let lists): for number in lists.joined() { counts[number] += 1 }
            case .tags(let numbers):
                for number in numbers where number >= 0 { counts[Int(number)] += 1 }
            case .numbers, .pairs, .tokens, .spans, .choices, .some(.none), nil: return nil
            }
            return counts
        }
        let (train, eval) = (counts(run.task.trainRows), counts(run.task.evaluationRows))
        return run.task.labels.enumerated().map { number, name in
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
        guard let data = run.task.evaluation, let rows = run.task.evaluationRows,
            case .classes(let wanted) = rows.targets
        else { return [] }
        let predictor = try Predictor(run.task.base, adapter: bundle, allowsBaseMismatch: true)
        let workers = Workers(run.trainer.options.workers)
        let wrong = try predictor.answers(rows, workers: workers).enumerated().compactMap {
            row,
            answer -> (row: Int, predicted: String, score: Double)? in
            guard let predicted = answer.labels.first,
                predicted != run.task.labels[Int(wanted[row])]
            else { return nil }
            return (row, predicted, answer.scores.map(\.score).max() ?? 0)
        }
        return wrong.sorted { ($1.score, $0.row) < ($0.score, $1.row) }.prefix(limit).map {
            let (text, pair) = (data[$0.row].text, data[$0.row].pair)
            return RunReport.Mistake(
                text: text + (pair.map { " | " + $0 } ?? ""),
                gold: run.task.labels[Int(wanted[$0.row])],
                predicted: $0.predicted,
                score: $0.score
            )
        }
    }
}

internal import Foundation
internal import GraftAdapters
internal import GraftData
internal import GraftFormats
internal import GraftLayers
internal import GraftTorch
internal import GraftTraining

/// What a run came to: the adapter, and the figures that are told about it.
struct TrainingResult {
    let run: TrainingRun
    let outcome: Trainer.Outcome
    let output: String
    let readySeconds: Double?
    let bundle: AdapterBundle
    /// What always answering the most frequent class of the training rows scores.
    let majorityBaseline: Double?
    /// Parameters of the adapter without its head, at the sites where it acts or in the model that it trains.
    let adapterParameters: Int
    let headParameters: Int

    init(
        _ run: TrainingRun,
        _ outcome: Trainer.Outcome,
        output: String,
        readySeconds: Double?
    ) throws {
        self.run = run
        self.outcome = outcome
        self.output = output
        self.readySeconds = readySeconds
        headParameters = run.trainer.slices.filter { $0.name.hasPrefix("head.") }
            .reduce(0) { $0 + $1.range.count }
        adapterParameters = run.trainer.trainableCount - headParameters
        majorityBaseline = try TrainingResult.majorityBaseline(run)
        guard let identity = try run.identity.value() else {
            throw CommandError("\(run.base.path): the model has no identity")
        }
        var provenance = [
            "seed": String(run.trainer.options.seed),
            "workers": String(run.trainer.options.workers),
            "train_rows": String(run.train.count),
            "train_sha256": run.trainHash.hexadecimal,
            "graft": Graft.version,
            "libtorch": try Torch.version(),
            "best_epoch": String(outcome.bestEpoch),
        ]
        for (metric, value) in outcome.bestMetrics?.ordered ?? [] {
            provenance["eval_" + metric.rawValue] = String(value)
        }
        bundle = AdapterBundle(
            method: run.method,
            methodName: run.methodName,
            head: run.head,
            labels: run.labels,
            maxLength: run.maxLength,
            readsPairs: run.train.hasPairs,
            base: identity,
            provenance: provenance,
            tensors: outcome.tensors
        )
    }

    /// Parameters of the model with what was added to it.
    var totalParameters: Int {
        run.base.parameterCount + headParameters
            + (run.method.trainsBase ? 0 : adapterParameters)
    }

    /// The score of the best epoch.
    var score: Double? { outcome.bestMetrics?[run.metric] }

    var rowsPerSecond: Double { Double(outcome.rows) / max(outcome.trainingSeconds, 1e-9) }

    var tokensPerSecond: Double { Double(outcome.tokens) / max(outcome.trainingSeconds, 1e-9) }

    private static func majorityBaseline(_ run: TrainingRun) throws -> Double? {
        guard case .classes(let seen) = run.trainRows.targets,
            case .classes(let wanted)? = run.evaluationRows?.targets
        else { return nil }
        let counts = Dictionary(grouping: seen, by: \.self).mapValues(\.count)
        guard let most = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) })?.key else {
            return nil
        }
        let metrics = try classificationMetrics(
            predictions: [Int](repeating: Int(most), count: wanted.count),
            labels: wanted.map(Int.init),
            names: run.labels
        )
        return metrics[run.metric]
    }
}

extension Trainer.Outcome {
    /// The metrics of the epoch that was kept.
    var bestMetrics: Metrics? { epochs.first { $0.epoch == bestEpoch }?.metrics }
}

extension TrainingResult {
    /// What `train --json` prints.
    var json: JSONValue {
        .object([
            .init("metrics", outcome.bestMetrics?.json ?? .null),
            .init("primary_metric", .string(run.metric.rawValue)),
            .init("score", score.map { .number($0) } ?? .null),
            .init("majority_baseline", majorityBaseline.map { .number($0) } ?? .null),
            .init("trainable_parameters", .integer(run.trainer.trainableCount)),
            .init("adapter_parameters", .integer(adapterParameters)),
            .init("head_parameters", .integer(headParameters)),
            .init("total_parameters", .integer(totalParameters)),
            .init("examples_per_second", .number(rowsPerSecond)),
            .init("tokens_per_second", .number(tokensPerSecond)),
            .init("ready_seconds", readySeconds.map { .number($0) } ?? .null),
            .init("train_seconds", .number(outcome.trainingSeconds)),
            .init("eval_seconds", .number(outcome.evaluationSeconds)),
            .init("peak_rss_bytes", .integer(ProcessFacts.peakMemory)),
            .init("output", .string(output)),
            .init("report", .string(output + "/report.html")),
            .init("best_epoch", .integer(outcome.bestEpoch)),
            .init("epochs", .array(outcome.epochs.map(\.json))),
            .init("labels", .array(run.labels.map { .string($0) })),
            .init("workers", .integer(run.trainer.options.workers)),
            .init("warnings", .array(run.warnings.map { .string($0) })),
        ])
    }

    /// What `train` prints.
    var summary: String {
        var lines: [String] = []
        if let score {
            let best = "epoch \(outcome.bestEpoch) of \(outcome.epochs.count)"
            let baseline =
                majorityBaseline.map { ", majority class \(Figures.score($0))" } ?? ""
            lines.append("\(run.metric.rawValue)  \(Figures.score(score)) (\(best)\(baseline))")
        }
        let share = Double(run.trainer.trainableCount) / Double(totalParameters)
        lines.append(
            "trained  \(Figures.count(run.trainer.trainableCount)) parameters,"
                + " \(Figures.percent(share)) of \(Figures.count(totalParameters)):"
                + " adapter \(Figures.count(adapterParameters)), head \(Figures.count(headParameters))"
        )
        let ready = readySeconds.map { ", ready after \(Figures.duration($0))" } ?? ""
        lines.append(
            "took  \(Figures.duration(outcome.trainingSeconds))"
                + " (\(Figures.measure(rowsPerSecond)) rows/s)\(ready),"
                + " peak memory \(Figures.bytes(ProcessFacts.peakMemory))"
        )
        lines.append("adapter  \(output)")
        lines.append("report  \(output)/report.html")
        return Table(rows: lines.map { $0.split(separator: "  ", maxSplits: 1).map(String.init) })
            .text
    }
}

extension Trainer.EpochResult {
    fileprivate var json: JSONValue {
        .object([
            .init("epoch", .integer(epoch)),
            .init("training_loss", .number(trainingLoss)),
            .init("metrics", metrics?.json ?? .null),
        ])
    }
}

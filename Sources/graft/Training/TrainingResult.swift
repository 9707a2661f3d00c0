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
    /// The largest resident memory of the run, in bytes.
    let peakMemory: Int
    let bundle: AdapterBundle
    /// What the fusion listens to, if the method is one.
    let fusion: FusionWeights?
    /// What always answering the most frequent class of the training rows scores.
    let majorityBaseline: Double?
    /// How many parameters there are, and where the trained ones sit.
    let parameters: RunReport.Parameters

    init(
        _ run: TrainingRun,
        _ outcome: Trainer.Outcome,
        output: String,
        readySeconds: Double?,
        peakMemory: Int
    ) throws {
        self.run = run
        self.outcome = outcome
        self.output = output
        self.readySeconds = readySeconds
        self.peakMemory = peakMemory
        parameters = run.parameters
        majorityBaseline = try run.task.majorityBaseline(run.metric)
        guard let identity = try run.task.identity.value() else {
            throw CommandError("\(run.task.base.path): the model has no identity")
        }
        var provenance = [
            "seed": String(run.trainer.options.seed),
            "workers": String(run.trainer.options.workers),
            "train_rows": String(run.task.train.count),
            "train_sha256": run.task.trainHash.hexadecimal,
            "graft": Graft.version,
            "libtorch": Torch.version,
            "best_epoch": String(outcome.bestEpoch),
        ]
        for (metric, value) in outcome.bestMetrics?.ordered ?? [] {
            provenance["eval_" + metric.rawValue] = String(value)
        }
        var bundle = AdapterBundle(
            method: run.method,
            methodName: run.methodName,
            head: run.task.head,
            labels: run.task.labels,
            maxLength: run.task.maxLength,
            reading: run.task.reading,
            readsPairs: run.task.train.hasPairs,
            base: identity.remembered(withMessages: run.task.hasMessages),
            provenance: provenance,
            tensors: outcome.tensors
        )
        bundle.columnNames = run.task.train.schema.columns
        bundle.acceptsLabelNumbers = run.task.acceptsLabelNumbers
        self.bundle = bundle
        fusion = try TrainingResult.fusionWeights(run, bundle)
    }

    /// The weights over the evaluation rows, or over the training rows where there are none.
    private static func fusionWeights(
        _ run: TrainingRun,
        _ bundle: AdapterBundle
    ) throws -> FusionWeights? {
        guard let method = run.method as? Composed, let parts = method.composition.fused else {
            return nil
        }
        let predictor = try Predictor(run.task.base, adapter: bundle, allowsBaseMismatch: true)
        return try predictor.model.fusionWeights(
            run.task.evaluationRows ?? run.task.trainRows,
            adapters: parts.map(\.description),
            workers: Workers(run.trainer.options.workers)
        )
    }

    /// The score of the best epoch.
    var score: Double? { outcome.bestMetrics?[run.metric] }

    var rowsPerSecond: Double { Double(outcome.rows) / max(outcome.trainingSeconds, 1e-9) }

    var tokensPerSecond: Double { Double(outcome.tokens) / max(outcome.trainingSeconds, 1e-9) }
}

extension Trainer.Outcome {
    /// The metrics of the epoch that was kept.
    var bestMetrics: Metrics? { epochs.first { $0.epoch == bestEpoch }?.metrics }
}

extension TrainingResult {
    /// What `train --json` prints.
    var json: JSONValue {
        let members: [JSONValue.Member] = [
            .init("metrics", outcome.bestMetrics?.json ?? .null),
            .init("primary_metric", .string(run.metric.rawValue)),
            .init("score", score.map { .number($0) } ?? .null),
            .init("majority_baseline", majorityBaseline.map { .number($0) } ?? .null),
            .init("trainable_parameters", .integer(parameters.trainable)),
            .init("adapter_parameters", .integer(parameters.adapter)),
            .init("head_parameters", .integer(parameters.head)),
            .init("total_parameters", .integer(parameters.total)),
            .init("examples_per_second", .number(rowsPerSecond)),
            .init("tokens_per_second", .number(tokensPerSecond)),
            .init("ready_seconds", readySeconds.map { .number($0) } ?? .null),
            .init("train_seconds", .number(outcome.trainingSeconds)),
            .init("eval_seconds", .number(outcome.evaluationSeconds)),
            .init("peak_rss_bytes", .integer(peakMemory)),
            .init("output", .string(output)),
            .init("report", .string(output + "/report.html")),
            .init("best_epoch", .integer(outcome.bestEpoch)),
            .init("epochs", .array(outcome.epochs.map(\.json))),
            .init("labels", .array(run.task.labels.map { .string($0) })),
            .init("workers", .integer(run.trainer.options.workers)),
            .init("warnings", .array(run.warnings.map { .string($0) })),
        ]
        return .object(members + (fusion.map { [.init("fusion", $0.json)] } ?? []))
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
        let share = Double(parameters.trainable) / Double(parameters.total)
        lines.append(
            "trained  \(Figures.count(parameters.trainable)) parameters,"
                + " \(Figures.percent(share)) of \(Figures.count(parameters.total)):"
                + " adapter \(Figures.count(parameters.adapter)), head \(Figures.count(parameters.head))"
        )
        let ready = readySeconds.map { ", ready after \(Figures.duration($0))" } ?? ""
        lines.append(
            "took  \(Figures.duration(outcome.trainingSeconds))"
                + " (\(Figures.measure(rowsPerSecond)) rows/s)\(ready),"
                + " peak memory \(Figures.bytes(peakMemory))"
        )
        lines.append("adapter  \(output)")
        lines.append("report  \(output)/report.html")
        let table = Table(
            rows: lines.map { $0.split(separator: "  ", maxSplits: 1).map(String.init) }
        )
        return table.text + (fusion.map { "\n\n" + $0.text } ?? "")
    }
}

extension FusionWeights {
    /// As results print it.
    fileprivate var json: JSONValue {
        .object([
            .init("adapters", .array(adapters.map { .string($0) })),
            .init(
                "sites",
                .array(
                    sites.map {
                        .object([
                            .init("site", .string($0.name)),
                            .init("weights", .array($0.weights.map { .number($0) })),
                        ])
                    }
                )
            ),
        ])
    }

    /// As people read it: a row a site, a column an adapter.
    fileprivate var text: String {
        let rows = sites.map { [$0.name] + $0.weights.map(Figures.share) }
        return "mean attention weight of each adapter, over all tokens\n"
            + Table(
                rows: [["site"] + adapters] + rows,
                rightAligned: Set(1..<adapters.count + 1)
            ).text
    }
}

extension Trainer.EpochResult {
    /// As results print it.
    var json: JSONValue {
        .object([
            .init("epoch", .integer(epoch)),
            .init("training_loss", .number(trainingLoss)),
            .init("metrics", metrics?.json ?? .null),
        ])
    }
}

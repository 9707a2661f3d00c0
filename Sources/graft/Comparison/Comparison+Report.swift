internal import Foundation
internal import GraftAdapters
internal import GraftData
internal import GraftFormats
internal import GraftModels
internal import GraftTorch
internal import GraftTraining

extension Comparison {
    /// What is known so far.
    var report: ComparisonReport {
        let identity = try? task.identity.value()
        var report = ComparisonReport(
            title: URL(filePath: folder.path).lastPathComponent,
            command: ["graft"] + CommandLine.arguments.dropFirst(),
            started: meter.started,
            model: RunReport.Model(task.base, hash: identity?.weights.hexadecimal ?? ""),
            task: task.head.kind.rawValue,
            metric: metric
        )
        report.duration = meter.seconds
        report.data = task.files
        report.majorityBaseline = majorityBaseline
        report.methods = methods.map { method in
            var described = ComparisonReport.Method(
                method.name,
                learningRate: settings.learningRate ?? method.method.defaultLearningRate
            )
            described.parameters = method.parameters
            described.runs = method.runs.map {
                .init(
                    seed: $0.options.seed,
                    metrics: $0.metrics,
                    secondsPerEpoch: $0.secondsPerEpoch,
                    peakMemory: $0.peakMemory
                )
            }
            described.failures = method.failures.map { "seed \($0.seed): \($0.reason)" }
            return described
        }
        report.separatesMemory = methods.flatMap(\.runs).allSatisfy(\.hasOwnPeak)
        if let options = methods.flatMap(\.runs).first?.options {
            report.settings =
                options.entries.filter { !["learning rate", "seed"].contains($0.name) }
                + task.entries
        }
        report.versions = ProcessFacts.versions
        report.warnings = task.warnings
        return report
    }

    /// What `compare` prints.
    var text: String {
        let report = report
        let header = [
            "method", metric.rawValue, "trained", "of all", "peak memory", "an epoch", "rate",
        ]
        let rows = report.methods.map { method in
            [
                method.name, method.spread(metric).map(Figures.score) ?? "failed",
                method.parameters.map { Figures.count($0.trainable) } ?? "",
                method.trainableShare.map(Figures.percent) ?? "",
                method.peakMemory.map(Figures.bytes) ?? "",
                method.secondsPerEpoch.map(Figures.duration) ?? "", "\(method.learningRate)",
            ]
        }
        let table = Table(rows: [header] + rows, rightAligned: Set(1..<header.count)).text
        let seeds = Set(methods.flatMap(\.runs).map(\.options.seed)).count
        var notes = [
            "\(metric.rawValue) of the best epoch: mean ± standard deviation over \(seeds)"
                + (seeds == 1 ? " seed" : " seeds")
                + (majorityBaseline.map { "; majority class \(Figures.score($0))" } ?? "")
        ]
        if !report.separatesMemory {
            notes.append(
                "memory is the largest of the process so far: this system does not reset it"
            )
        }
        return table + "\n\n" + notes.joined(separator: "\n") + "\nreport  \(folder.reportPath)"
    }

    /// What `compare --json` prints.
    var json: JSONValue {
        let report = report
        return .object([
            .init("primary_metric", .string(metric.rawValue)),
            .init("majority_baseline", majorityBaseline.map { .number($0) } ?? .null),
            .init(
                "methods",
                .array(zip(methods, report.methods).map { self.json($0, $1) })
            ),
            .init("peak_memory_is_of_each_run", .bool(report.separatesMemory)),
            .init("train_rows", .integer(task.train.count)),
            .init("eval_rows", .integer(task.evaluation?.count ?? 0)),
            .init("output", .string(folder.path)),
            .init("report", .string(folder.reportPath)),
            .init("warnings", .array(report.warnings.map { .string($0) })),
        ])
    }

    private func json(_ method: ComparedMethod, _ figures: ComparisonReport.Method) -> JSONValue {
        let metrics = Metric.allCases.compactMap { metric in
            figures.spread(metric).map { JSONValue.Member(metric.rawValue, $0.json) }
        }
        return .object([
            .init("method", .string(method.name)),
            .init("learning_rate", .number(figures.learningRate)),
            .init("score", figures.spread(metric)?.json ?? .null),
            .init("metrics", .object(metrics)),
            .init(
                "trainable_parameters",
                figures.parameters.map { .integer($0.trainable) } ?? .null
            ),
            .init("adapter_parameters", figures.parameters.map { .integer($0.adapter) } ?? .null),
            .init("head_parameters", figures.parameters.map { .integer($0.head) } ?? .null),
            .init("total_parameters", figures.parameters.map { .integer($0.total) } ?? .null),
            .init("trainable_share", figures.trainableShare.map { .number($0) } ?? .null),
            .init("peak_rss_bytes", figures.peakMemory.map { .integer($0) } ?? .null),
            .init("seconds_per_epoch", figures.secondsPerEpoch.map { .number($0) } ?? .null),
            .init("runs", .array(method.runs.map { json($0, of: method) })),
            .init(
                "failures",
                .array(
                    method.failures.map {
                        .object([
                            .init("seed", .integer(Int(clamping: $0.seed))),
                            .init("error", .string($0.reason)),
                        ])
                    }
                )
            ),
        ])
    }

    private func json(_ run: ComparedRun, of method: ComparedMethod) -> JSONValue {
        .object([
            .init("seed", .integer(Int(clamping: run.options.seed))),
            .init("score", run.metrics[metric].map { .number($0) } ?? .null),
            .init("metrics", run.metrics.json),
            .init("best_epoch", .integer(run.bestEpoch)),
            .init("epochs", .array(run.epochs.map(\.json))),
            .init("seconds_per_epoch", run.secondsPerEpoch.map { .number($0) } ?? .null),
            .init("peak_rss_bytes", .integer(run.peakMemory)),
            .init("output", .string(folder.path(of: method, seed: run.options.seed))),
        ])
    }
}

extension Spread {
    /// The mean and the deviation.
    fileprivate var json: JSONValue {
        .object([
            .init("mean", .number(mean)),
            .init("deviation", deviation.map { .number($0) } ?? .null),
        ])
    }
}

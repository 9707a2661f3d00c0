internal import Foundation
internal import GraftAdapters
internal import GraftData
internal import GraftLayers
internal import GraftModels
internal import GraftTorch
internal import GraftTraining
internal import Logging

/// Methods that are trained one after another on the same task.
struct Comparison {
    let task: TrainingTask
    let settings: TrainingSettings
    let folder: ComparisonFolder
    let metric: Metric
    let majorityBaseline: Double?
    private(set) var methods: [ComparedMethod]
    let meter = RunMeter.process

    init(
        task: TrainingTask,
        methods: [ComparedMethod],
        settings: TrainingSettings,
        folder: ComparisonFolder
    ) throws {
        self.task = task
        self.methods = methods
        self.settings = settings
        self.folder = folder
        metric = settings.metric ?? task.head.kind.primaryMetric
        majorityBaseline = try task.majorityBaseline(metric)
    }

    /// The options of a run.
    private func options(_ method: ComparedMethod, seed: UInt64) -> TrainingOptions {
        settings.options(for: method.method, rows: task.train.count, seed: seed)
    }

    /// Trains every method with every seed, all methods with the first seed before any with the second.
    ///
    /// - Parameters:
    ///   - seeds: The seeds.
    ///   - overwrite: Whether runs that ended before are repeated.
    ///   - interruption: Whether somebody asked the command to stop.
    ///   - common: Where progress goes.
    /// - Throws: ``CommandError`` if a folder holds another run, before anything is trained, or the command is stopped.
    mutating func run(
        seeds: [UInt64],
        overwrite: Bool,
        interruption: Interruption,
        common: CommonOptions
    ) throws {
        let log = common.logger
        for warning in task.warnings { log.warning("\(warning)") }
        let kept = overwrite ? [:] : try keptRuns(seeds)
        var number = 0
        for seed in seeds {
            for index in methods.indices {
                number += 1
                let name = "\(number)/\(seeds.count * methods.count) \(methods[index].name)"
                let label = "\(name) seed \(seed)"
                if let run = kept[folder.path(of: methods[index], seed: seed)] {
                    methods[index].add(run)
                    log.info("\(label): kept, \(text(run))")
                    continue
                }
                do {
                    let run = try train(index, seed, overwrite, interruption, common, label)
                    methods[index].add(run)
                    log.info("\(label): \(text(run))")
                } catch TrainingError.interrupted(let step, _) {
                    throw CommandError(
                        "interrupted after step \(step) of \(label)",
                        hint: "the same command goes on",
                        status: 130
                    )
                } catch {
                    methods[index].failures.append((seed, Console.line("\(error)")))
                    log.warning("\(label): \(error)")
                }
                try folder.write(json, report: report.html())
            }
        }
        try folder.write(json, report: report.html())
    }

    /// The runs that ended before, by their folders; those that were interrupted are looked at, too.
    ///
    /// - Throws: ``CommandError`` or `TrainingError` naming a folder with a run of other options.
    private func keptRuns(_ seeds: [UInt64]) throws -> [String: ComparedRun] {
        var kept: [String: ComparedRun] = [:]
        for method in methods {
            let fingerprint = try task.fingerprint(of: method.method)
            for seed in seeds {
                let path = folder.path(of: method, seed: seed)
                let options = options(method, seed: seed)
                kept[path] = try ComparedRun.kept(
                    in: path,
                    fingerprint: fingerprint,
                    options: options
                )
                let checkpoint = CheckpointFolder(
                    path: OutputFolder.checkpointPath(of: path),
                    fingerprint: fingerprint
                )
                if kept[path] == nil, checkpoint.existingPath != nil {
                    _ = try checkpoint.read(options: options)
                }
            }
        }
        return kept
    }

    private mutating func train(
        _ index: Int,
        _ seed: UInt64,
        _ overwrite: Bool,
        _ interruption: Interruption,
        _ common: CommonOptions,
        _ label: String
    ) throws -> ComparedRun {
        let method = methods[index]
        let output = try OutputFolder(
            path: folder.path(of: method, seed: seed),
            overwrite: overwrite,
            start: overwrite ? .new : .either
        )
        let meter = RunMeter.fresh()
        let run = try TrainingRun(
            task,
            method: method.method,
            named: method.name,
            options: options(method, seed: seed)
        )
        methods[index].parameters = run.parameters
        for warning in run.ownWarnings { common.logger.warning("\(label): \(warning)") }
        var progress = Progress(
            isShown: !common.quiet,
            epochs: settings.epochs,
            metric: metric,
            run: label
        )
        var kept: ComparedRun?
        _ = try run.complete(
            in: output,
            resumes: !overwrite,
            settings: settings,
            meter: meter,
            interruption: interruption,
            progress: &progress
        ) { result, path in
            let record = ComparedRun(result, hasOwnPeak: meter.hasOwnPeak)
            try record.write(into: path)
            kept = record
        }
        guard let kept else { throw CommandError("\(output.path): the run left no record") }
        return kept
    }

    private func text(_ run: ComparedRun) -> String {
        let score = run.metrics[metric].map(Figures.score) ?? "no score"
        let time = run.secondsPerEpoch.map { ", \(Figures.duration($0)) an epoch" } ?? ""
        return "\(metric.rawValue) \(score)\(time), \(Figures.bytes(run.peakMemory))"
    }

    /// Ends the command as failed if a run did.
    ///
    /// - Throws: ``CommandError`` naming the first of them.
    func throwFailures() throws(CommandError) {
        let failures = methods.flatMap { method in
            method.failures.map { "\(method.name), seed \($0.seed): \($0.reason)" }
        }
        guard let first = failures.first else { return }
        let all = methods.reduce(failures.count) { $0 + $1.runs.count }
        throw CommandError("\(failures.count) of \(all) runs failed: \(first)")
    }
}

extension ComparedMethod {
    fileprivate mutating func add(_ run: ComparedRun) {
        runs.append(run)
        parameters = run.parameters
    }
}

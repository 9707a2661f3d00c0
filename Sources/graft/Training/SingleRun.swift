internal import GraftTraining
internal import Logging

/// A command that makes one run: it starts or goes on, is watched and interrupted, and tells what came of it.
struct SingleRun {
    let output: String
    let overwrite: Bool
    let resume: Bool
    let settings: TrainingSettings
    let common: CommonOptions

    /// Runs to the end.
    ///
    /// - Parameter prepare: Reads and checks everything that the run needs.
    /// - Throws: What is wrong with the output's folder, before anything is read; what `prepare` throws; what stops the
    ///   run.
    func run(_ prepare: () throws -> TrainingRun) throws {
        let log = common.logger
        let folder = try OutputFolder(
            path: output,
            overwrite: overwrite,
            start: resume ? .interrupted : .new
        )
        if resume, !folder.holdsState {
            log.warning("\(folder.checkpointPath): no checkpoint to go on from: starting anew")
        }
        let interruption = Interruption.afterStep()
        let run = try prepare()
        for warning in run.warnings { log.warning("\(warning)") }
        log.info("\(run.announcement)")
        var progress = Progress(
            isShown: !common.quiet,
            epochs: settings.epochs,
            metric: run.metric
        )
        let result = try run.complete(
            in: folder,
            resumes: resume,
            settings: settings,
            meter: .process,
            interruption: interruption,
            progress: &progress
        )
        if common.json { Console.out(result.json) } else { Console.out(result.summary) }
    }
}

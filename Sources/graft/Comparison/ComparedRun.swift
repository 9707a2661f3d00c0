internal import Foundation
internal import GraftData
internal import GraftFormats
internal import GraftModels
internal import GraftTraining

/// What a run of a comparison came to, as it is kept in the folder of its adapter (`run.json`).
struct ComparedRun: Codable {
    /// What makes the run what it is besides its options.
    let fingerprint: String
    let options: TrainingOptions
    let metrics: Metrics
    let epochs: [Trainer.EpochResult]
    let bestEpoch: Int
    let parameters: RunReport.Parameters
    /// Seconds of training in an epoch; `nil` if the process that ended the run trained nothing.
    let secondsPerEpoch: Double?
    let peakMemory: Int
    /// Whether the memory is that of this run alone.
    let hasOwnPeak: Bool

    init(_ result: TrainingResult, hasOwnPeak: Bool) {
        let (run, outcome) = (result.run, result.outcome)
        fingerprint = run.fingerprint
        options = run.trainer.options
        metrics = outcome.bestMetrics ?? Metrics([:])
        epochs = outcome.epochs
        bestEpoch = outcome.bestEpoch
        parameters = result.parameters
        // A resumed run has seen a part of its rows in this process.
        secondsPerEpoch =
            outcome.rows > 0
            ? outcome.trainingSeconds / Double(outcome.rows) * Double(run.task.train.count) : nil
        peakMemory = result.peakMemory
        self.hasOwnPeak = hasOwnPeak
    }

    /// The record's file.
    static let name = "run.json"

    /// Writes the record into the folder of the adapter.
    func write(into folder: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try AtomicFile.write(encoder.encode(self), to: "\(folder)/\(ComparedRun.name)")
    }

    /// Reads the record of a run that ended, or `nil` if there is none.
    ///
    /// - Parameters:
    ///   - folder: The folder of the adapter.
    ///   - fingerprint: What the run would be.
    ///   - options: The options that it would have.
    /// - Returns: The record.
    /// - Throws: ``CommandError`` if it is that of another run.
    static func kept(
        in folder: String,
        fingerprint: String,
        options: TrainingOptions
    ) throws -> ComparedRun? {
        guard let data = FileManager.default.contents(atPath: "\(folder)/\(name)") else {
            return nil
        }
        let hint = "choose another --output, or --overwrite to train anew"
        guard let run = try? JSONDecoder().decode(ComparedRun.self, from: data) else {
            throw CommandError("\(folder)/\(name): is damaged", hint: hint)
        }
        guard run.fingerprint == fingerprint else {
            throw CommandError(
                "\(folder): holds a run with another model, head or data",
                hint: hint
            )
        }
        guard run.options == options else {
            let differences = run.options.differences(from: options)
            throw CommandError("\(folder): holds a run with \(differences)", hint: hint)
        }
        return run
    }
}

internal import Foundation
internal import GraftFormats
internal import GraftLayers

/// Where the states of a run are kept: a folder with a folder for the latest step.
///
/// A new state is complete under its own name before the older one goes, so that a run that is
/// killed at any moment leaves a state to go on from.
public struct CheckpointFolder: Sendable {
    /// The folder.
    public let path: String
    /// What makes the run what it is besides its options: model, method, head, data.
    ///
    /// A state of another run is refused.
    private let fingerprint: String

    /// Names a folder; nothing is created.
    public init(path: String, fingerprint: String) {
        self.path = path
        self.fingerprint = fingerprint
    }

    /// The path if there is a state, else `nil`.
    package var existingPath: String? { states.isEmpty ? nil : path }

    private var states: [String] { CheckpointFolder.states(in: path) }

    /// The folders of complete states in a folder, the latest last.
    package static func states(in path: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasPrefix("step-") }
            .sorted { ($0.count, $0) < ($1.count, $1) }
            .map { path + "/" + $0 }
    }

    /// Writes a state, then removes the older one.
    ///
    /// - Throws: `FileError` or `SafetensorsError` if it cannot be written; the older state is
    ///   still there then.
    func write(_ state: TrainingState) throws {
        let older = states
        let latest = path + "/step-\(state.step)"
        try AtomicFolder.write(to: latest, ifExists: .replace) { folder in
            try TensorFile(state.tensors, metadata: ["fingerprint": fingerprint])
                .write(to: folder + "/state.safetensors")
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            encoder.nonConformingFloatEncodingStrategy = .convertToString(
                positiveInfinity: "inf",
                negativeInfinity: "-inf",
                nan: "nan"
            )
            try AtomicFile.write(encoder.encode(state.progress), to: folder + "/progress.json")
        }
        for folder in older where folder != latest {
            try? FileManager.default.removeItem(atPath: folder)
        }
    }

    /// Reads the state that is there.
    ///
    /// - Parameter options: The settings of the run that wants to go on.
    /// - Returns: The latest complete state.
    /// - Throws: ``TrainingError/resume(path:reason:)`` if there is none, or it is that of another
    ///   run.
    public func read(options: TrainingOptions) throws -> TrainingState {
        guard let latest = states.last else {
            throw TrainingError.resume(path: path, reason: "there is no checkpoint here")
        }
        let file = try TensorFile(path: latest + "/state.safetensors")
        guard file.metadata["fingerprint"] == fingerprint else {
            throw TrainingError.resume(
                path: path,
                reason: "it belongs to a run with another model, method, head or data"
            )
        }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf",
            negativeInfinity: "-inf",
            nan: "nan"
        )
        let progress: TrainingState.Progress
        do {
            let contents = try Data(contentsOf: URL(filePath: latest + "/progress.json"))
            progress = try decoder.decode(TrainingState.Progress.self, from: contents)
        } catch {
            throw TrainingError.resume(path: path, reason: "progress.json is damaged")
        }
        guard let state = TrainingState(progress, tensors: file.tensors) else {
            throw TrainingError.resume(path: path, reason: "state.safetensors is damaged")
        }
        guard state.options == options else {
            throw TrainingError.resume(
                path: path,
                reason: "the interrupted run has \(state.options.differences(from: options))"
                    + " (hint: give the same options)"
            )
        }
        return state
    }

    /// Removes the state, once the run is complete.
    public func remove() { try? FileManager.default.removeItem(atPath: path) }
}

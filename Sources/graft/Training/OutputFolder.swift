internal import Foundation
internal import GraftFormats
internal import GraftLayers
internal import GraftTraining

/// Where a run puts its adapter, and beside it the states that it can go on from.
///
/// Everything that could keep the run from writing is found before it trains.
struct OutputFolder {
    let path: String
    /// Whether an adapter that stands there is replaced.
    private let replaces: Bool

    /// What runs write into the folder of an adapter.
    private static let names: Set = [
        AdapterBundle.configurationName, AdapterBundle.tensorsName, "report.html", "report.json",
        ComparedRun.name,
    ]

    /// The folder of the run's states.
    var checkpointPath: String { OutputFolder.checkpointPath(of: path) }

    /// The folder of the states of a run that is to write its adapter to `path`.
    static func checkpointPath(of path: String) -> String { path + ".checkpoint" }

    /// How a run starts.
    enum Start {
        /// From nothing; there must be no interrupted run.
        case new
        /// Where an interrupted run ended; there must be one.
        case interrupted
        /// Where an interrupted run ended, if there is one.
        case either
    }

    /// Confirms that an adapter may be written.
    ///
    /// - Parameters:
    ///   - path: Where it goes.
    ///   - overwrite: Whether it may replace another.
    ///   - start: How the run starts.
    /// - Throws: ``CommandError`` if something stands there that must not be replaced, or there is no run to go on
    ///   with; `FileError` if nothing can be written there.
    init(path: String, overwrite: Bool, start: Start) throws {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.path = path
        replaces = overwrite
        try AtomicFolder.check(path, ifExists: .replace)
        let contents = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        let isInterrupted = FileManager.default.fileExists(
            atPath: OutputFolder.checkpointPath(of: path)
        )
        if !contents.isEmpty {
            guard contents.contains(AdapterBundle.configurationName) else {
                throw CommandError(
                    "\(path): the folder holds files and no adapter, so it is not replaced",
                    hint: "choose another --output"
                )
            }
            if let foreign = contents.sorted().first(where: { !OutputFolder.names.contains($0) }) {
                throw CommandError(
                    "\(path): the folder also holds '\(foreign)', which would be lost, so it is not replaced",
                    hint: "move that away, or choose another --output"
                )
            }
            guard overwrite else {
                throw CommandError(
                    start == .interrupted && !isInterrupted
                        ? "\(path): this run is complete" : "\(path): there is an adapter already",
                    hint: "--overwrite replaces it"
                )
            }
        }
        switch start {
        case .new where isInterrupted && !overwrite:
            throw CommandError(
                "\(checkpointPath): there is an interrupted run",
                hint: "go on with --resume, or start anew with --overwrite"
            )
        case .interrupted where !isInterrupted:
            throw CommandError(
                "\(checkpointPath): there is no interrupted run",
                hint: OutputFolder.interruptedRun(near: path).map { "did you mean --output \($0)?" }
                    ?? "without --resume a run starts anew"
            )
        case .new, .interrupted, .either: break
        }
        // Creates a hidden folder where the adapter will appear, and removes it at once.
        let probe = try AtomicFolder(at: path, ifExists: .replace)
        _ = consume probe
    }

    /// Whether there is a state to go on from.
    var holdsState: Bool { !CheckpointFolder.states(in: checkpointPath).isEmpty }

    /// Writes the adapter's folder, complete or not at all.
    func write(_ body: (String) throws -> Void) throws {
        try AtomicFolder.write(to: path, ifExists: replaces ? .replace : .refuse, body)
    }

    /// The interrupted run beside `path` whose name is nearest.
    private static func interruptedRun(near path: String) -> String? {
        let url = URL(filePath: path)
        let siblings = try? FileManager.default.contentsOfDirectory(
            atPath: url.deletingLastPathComponent().path
        )
        let runs = (siblings ?? []).filter { $0.hasSuffix(".checkpoint") }
            .map { String($0.dropLast(".checkpoint".count)) }
        guard let name = runs.nearest(to: url.lastPathComponent) else { return nil }
        return path.dropLast(url.lastPathComponent.count) + name
    }
}

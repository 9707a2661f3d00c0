internal import Foundation
internal import GraftFormats

/// Where a run puts its adapter, and beside it the states that it can go on from.
///
/// Everything that could keep the run from writing is found before it trains.
struct OutputFolder {
    let path: String
    /// Whether an adapter that stands there is replaced.
    private let replaces: Bool

    /// The folder of the run's states.
    var checkpointPath: String { path + ".checkpoint" }

    /// Confirms that an adapter may be written.
    ///
    /// - Throws: ``CommandError`` if something stands there that must not be replaced; `FileError` if nothing can be
    ///   written there.
    init(path: String, overwrite: Bool, resume: Bool) throws {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.path = path
        replaces = overwrite
        let contents = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        if !contents.isEmpty {
            guard contents.contains("adapter_config.json") else {
                throw CommandError(
                    "\(path): the folder holds files and no adapter, so it is not replaced",
                    hint: "choose another --output"
                )
            }
            guard overwrite else {
                throw CommandError(
                    "\(path): there is an adapter already",
                    hint: "--overwrite replaces it"
                )
            }
        }
        if !resume, !overwrite, FileManager.default.fileExists(atPath: checkpointPath) {
            throw CommandError(
                "\(checkpointPath): there is an interrupted run",
                hint: "go on with --resume, or start anew with --overwrite"
            )
        }
        // Creates a hidden folder where the adapter will appear, and removes it at once.
        let probe = try AtomicFolder(at: path, ifExists: .replace)
        _ = consume probe
    }

    /// Writes the adapter's folder, complete or not at all.
    func write(_ body: (String) throws -> Void) throws {
        try AtomicFolder.write(to: path, ifExists: replaces ? .replace : .refuse, body)
    }
}

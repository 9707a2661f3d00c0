internal import Foundation

/// Models that Hugging Face's libraries have downloaded to this machine.
///
/// A model `organisation/name` lies in `models--organisation--name`: `refs/main` holds the name of the snapshot that
/// the main branch had, `snapshots/` a folder for each.
struct HubCache {
    /// The cache's folder.
    let path: String

    /// The cache that `HF_HUB_CACHE` or `HF_HOME` names, by default the one in the home folder.
    init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        let home = environment["HOME"] ?? NSHomeDirectory()
        path =
            environment["HF_HUB_CACHE"]
            ?? (environment["HF_HOME"] ?? home + "/.cache/huggingface") + "/hub"
    }

    /// The folder of a model's newest snapshot, or `nil` if the model is not here.
    ///
    /// - Parameter identifier: `organisation/name`, or a name alone.
    /// - Returns: The folder.
    func snapshot(of identifier: String) -> String? {
        let parts = identifier.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0 != ".." }) else {
            return nil
        }
        let folder = path + "/models--" + parts.joined(separator: "--")
        let main = try? String(contentsOfFile: folder + "/refs/main", encoding: .utf8)
        let snapshots = folder + "/snapshots"
        var revisions = (try? FileManager.default.contentsOfDirectory(atPath: snapshots)) ?? []
        revisions.sort()
        if let main = main?.trimmingCharacters(in: .whitespacesAndNewlines) {
            revisions.append(main)
        }
        return revisions.reversed().map { snapshots + "/" + $0 }
            .first { FileManager.default.fileExists(atPath: $0 + "/config.json") }
    }
}

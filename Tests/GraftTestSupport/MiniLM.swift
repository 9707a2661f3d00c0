internal import Foundation

/// The real all-MiniLM-L6-v2 where `Scripts/model.sh` puts it.
package enum MiniLM {
    /// The folder, or `nil` before `make setup` fetched it.
    package static let path: String? = {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["HOME"] ?? NSHomeDirectory()
        let cache =
            environment["GRAFT_CACHE"] ?? (environment["XDG_CACHE_HOME"] ?? home + "/.cache")
            + "/graft"
        let path = cache + "/models/all-MiniLM-L6-v2"
        return FileManager.default.fileExists(atPath: path + "/config.json") ? path : nil
    }()
}

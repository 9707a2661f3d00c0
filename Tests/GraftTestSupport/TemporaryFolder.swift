internal import Foundation

/// A folder that is removed, with all it holds, with this value.
package final class TemporaryFolder: Sendable {
    package let path: String

    package init() throws { path = try TemporaryFolder.make() }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Makes a folder that stays until the process ends.
    static func untilExit() throws -> String { try make(in: processFolder) }

    /// The folder of this process.
    private static let processFolder: String = {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "graft-tests-process-\(UUID().uuidString)").path(percentEncoded: false)
        atexit { try? FileManager.default.removeItem(atPath: TemporaryFolder.processFolder) }
        return path
    }()

    private static func make(
        in parent: String = FileManager.default.temporaryDirectory.path(percentEncoded: false)
    ) throws -> String {
        let url = URL(filePath: parent).appending(path: "graft-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url.path(percentEncoded: false)
    }
}

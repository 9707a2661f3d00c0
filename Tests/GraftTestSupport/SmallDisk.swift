internal import Foundation

/// A small file system in memory, to see what happens when a disk is full.
///
/// Mounting one is a privilege; tests that need it are enabled only where ``isAvailable``, and the
/// test run lists them as skipped elsewhere.
package final class SmallDisk {
    package let path: String
    private let folder: TemporaryFolder

    private struct Refused: Error {}

    package static let isAvailable = (try? SmallDisk(kibibytes: 16)) != nil

    package init(kibibytes: Int) throws {
        folder = try TemporaryFolder()
        path = folder.path + "/disk"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let size = "size=\(kibibytes)k"
        guard unsafe mount("tmpfs", path, "tmpfs", 0, size) == 0 else { throw Refused() }
    }

    deinit { _ = unsafe umount2(path, Int32(MNT_DETACH)) }
}

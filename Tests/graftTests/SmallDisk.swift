import Foundation
import GraftTestSupport

/// A file system of 16 KiB in memory, to see what happens when a disk is full.
///
/// Mounting one is a privilege; tests that need it are enabled only where ``isAvailable``, and the test run lists them
/// as skipped elsewhere.
final class SmallDisk {
    let path: String
    private let folder: TemporaryFolder

    struct Refused: Error {}

    static let isAvailable = (try? SmallDisk()) != nil

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path + "/disk"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard unsafe mount("tmpfs", path, "tmpfs", 0, "size=16k") == 0 else { throw Refused() }
    }

    deinit { _ = unsafe umount2(path, Int32(MNT_DETACH)) }
}

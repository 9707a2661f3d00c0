internal import Foundation
internal import Glibc

/// A file without a name, for what does not fit in memory: gone when the process ends, however it ends.
package final class ScratchFile: Sendable {
    private let descriptor: Int32
    private let path: String
    /// The bytes that it may grow to: a quarter of what was free on its disk.
    package let capacity: Int

    /// Creates an empty file in the system's folder for temporary files (`TMPDIR`).
    ///
    /// - Throws: ``FileError`` if there is no such folder, it cannot be written, or it lies in memory
    ///   (tmpfs), where a file would save none.
    package init() throws(FileError) {
        path = NSTemporaryDirectory()
        var name = Array((path + "/graft-XXXXXX").utf8CString)
        descriptor = unsafe name.withUnsafeMutableBufferPointer { name in
            guard let start = name.baseAddress else { return -1 }
            let descriptor = unsafe mkstemp(start)
            if descriptor >= 0 { _ = unsafe unlink(start) }
            return descriptor
        }
        guard descriptor >= 0 else { throw FileError(path: path, cannot: "create a file") }
        let facts = try? FileManager.default.attributesOfFileSystem(forPath: path)
        let free = facts?[.systemFreeSize] as? Int
        guard let free, !ScratchFile.isInMemory(path) else {
            _ = close(descriptor)
            throw FileError(path: path, problem: "lies in memory, not on a disk")
        }
        capacity = free / 4
    }

    /// Whether the mount that a folder belongs to is a tmpfs.
    private static func isInMemory(_ path: String) -> Bool {
        let mounts = (try? String(contentsOfFile: "/proc/mounts", encoding: .utf8)) ?? ""
        let folder = URL(filePath: path).resolvingSymlinksInPath().path + "/"
        var (longest, kind) = (0, "")
        for line in mounts.split(separator: "\n") {
            let fields: [Substring] = line.split(separator: " ")
            guard fields.count > 2 else { continue }
            let point: String = fields[1] == "/" ? "/" : String(fields[1]) + "/"
            if folder.hasPrefix(point), point.count > longest {
                (longest, kind) = (point.count, String(fields[2]))
            }
        }
        return kind == "tmpfs"
    }

    deinit { _ = close(descriptor) }

    /// Writes bytes at an offset; ranges that do not overlap may be written at once.
    ///
    /// - Throws: ``FileError`` if the disk is full.
    package func write(_ bytes: [UInt8], at offset: Int) throws(FileError) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[done...])
                return unsafe pwrite(descriptor, rest.baseAddress, rest.count, offset + done)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw FileError(path: path, cannot: "write") }
            done += count
        }
    }

    /// Reads bytes that were written.
    ///
    /// - Throws: ``FileError`` if they cannot be read.
    package func read(_ byteCount: Int, at offset: Int) throws(FileError) -> [UInt8] {
        var done = 0
        var failed = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, filled in
            while done < byteCount {
                let start = unsafe buffer.baseAddress.map { unsafe $0 + done }
                let count = unsafe pread(descriptor, start, byteCount - done, offset + done)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else {
                    failed = true
                    break
                }
                done += count
            }
            filled = done
        }
        guard !failed else { throw FileError(path: path, cannot: "read") }
        return bytes
    }
}

import Foundation
import GraftFormats
import GraftTestSupport
import Testing

private struct Interruption: Error {}

@Suite struct AtomicFolderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func put(_ text: String, at path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    private func text(_ path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
    }

    @Test func `a folder appears with all its files when it is committed`() throws {
        let destination = folder.path + "/out"
        let output = try AtomicFolder(at: destination, ifExists: .refuse)
        try put("one", at: output.path + "/a.txt")
        try FileManager.default.createDirectory(
            atPath: output.path + "/inner",
            withIntermediateDirectories: true
        )
        try put("two", at: output.path + "/inner/b.txt")
        #expect(!FileManager.default.fileExists(atPath: destination))
        try output.commit()
        #expect(try text(destination + "/a.txt") == "one")
        #expect(try text(destination + "/inner/b.txt") == "two")
        #expect(try folder.contents == ["out"])
    }

    @Test func `what throws leaves nothing, not even the parents it made`() throws {
        #expect(throws: Interruption.self) {
            try AtomicFolder.write(to: folder.path + "/x/y/out", ifExists: .refuse) { path in
                try put("one", at: path + "/a.txt")
                throw Interruption()
            }
        }
        #expect(try folder.contents.isEmpty)
    }

    @Test func `missing parents are made`() throws {
        let destination = folder.path + "/x/y/out"
        try AtomicFolder.write(to: destination, ifExists: .refuse) { try put("1", at: $0 + "/a") }
        #expect(try text(destination + "/a") == "1")
    }

    @Test func `an older folder is replaced completely or kept completely`() throws {
        let destination = folder.path + "/out"
        try AtomicFolder.write(to: destination, ifExists: .refuse) { path in
            try put("old", at: path + "/kept.txt")
        }
        #expect(throws: Interruption.self) {
            try AtomicFolder.write(to: destination, ifExists: .replace) { path in
                try put("new", at: path + "/new.txt")
                throw Interruption()
            }
        }
        #expect(try text(destination + "/kept.txt") == "old")

        try AtomicFolder.write(to: destination + "/", ifExists: .replace) { path in
            try put("new", at: path + "/new.txt")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: destination) == ["new.txt"])
        #expect(try folder.contents == ["out"])
    }

    @Test func `a link to a folder stays a link`() throws {
        let (real, link) = (folder.path + "/real", folder.path + "/link")
        try AtomicFolder.write(to: real, ifExists: .refuse) { try put("old", at: $0 + "/a") }
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: real)
        try AtomicFolder.write(to: link, ifExists: .replace) { try put("new", at: $0 + "/a") }
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == real)
        #expect(try text(real + "/a") == "new")
    }

    @Test(arguments: ["", ".", "..", "/", "./", "a/.."])
    func `neither nothing nor the folder that the process is in is replaced`(path: String) {
        // Checked alone: a guard that failed here would cost the folder that the tests run in.
        for existing in [AtomicFolder.ExistingFolder.refuse, .replace] {
            let error = #expect(throws: FileError.self) {
                try AtomicFolder.check(path, ifExists: existing)
            }
            #expect(
                error?.problem
                    == (path.isEmpty
                        ? "an empty path names no folder"
                        : "is a folder that this command runs in, and cannot be replaced")
            )
        }
    }

    @Test func `a folder that appears meanwhile stays unless it may be replaced`() throws {
        let destination = folder.path + "/out"
        func write(_ existing: AtomicFolder.ExistingFolder) throws {
            try AtomicFolder.write(to: destination, ifExists: existing) { path in
                try put("new", at: path + "/a")
                try? FileManager.default.createDirectory(
                    atPath: destination,
                    withIntermediateDirectories: false
                )
                try put("theirs", at: destination + "/a")
            }
        }
        let error = #expect(throws: FileError.self) { try write(.refuse) }
        #expect(error?.problem == "is a folder that holds files")
        #expect(try text(destination + "/a") == "theirs")
        #expect(try folder.contents == ["out"])
        try write(.replace)
        #expect(try text(destination + "/a") == "new")
    }

    @Test func `what stands in the way is refused with a hint`() throws {
        let (file, full) = (folder.path + "/file", folder.path + "/full")
        try put("text", at: file)
        try AtomicFolder.write(to: full, ifExists: .refuse) { try put("old", at: $0 + "/a") }
        for (path, policy, problem) in [
            (full, AtomicFolder.ExistingFolder.refuse, "is a folder that holds files"),
            (file, .replace, "is not a readable folder"),
            (file + "/out", .refuse, "cannot create the folder: Not a directory"),
            ("/", .replace, "is a folder that this command runs in, and cannot be replaced"),
        ] {
            let error = #expect(throws: FileError.self) {
                try AtomicFolder.write(to: path, ifExists: policy) { _ in }
            }
            #expect(error?.path == path)
            #expect(error?.problem == problem)
        }
        #expect(try text(file) == "text")
        #expect(try folder.contents == ["file", "full"])
    }

    @Test(.disabled(if: geteuid() == 0, "root may write anywhere; run as another user"))
    func `a parent that may not be written is named`() throws {
        let locked = folder.path + "/locked"
        try FileManager.default.createDirectory(
            atPath: locked,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o500]
        )
        let error = #expect(throws: FileError.self) {
            try AtomicFolder.write(to: locked + "/out", ifExists: .refuse) { _ in }
        }
        #expect(error?.problem == "cannot create the folder: Permission denied")
    }

    @Test(.enabled(if: SmallDisk.isAvailable, "needs the right to mount a tmpfs"))
    func `a full disk keeps the older folder and leaves nothing else`() throws {
        let disk = try SmallDisk(kibibytes: 64)
        let destination = disk.path + "/out"
        try AtomicFolder.write(to: destination, ifExists: .refuse) { try put("old", at: $0 + "/a") }
        #expect(throws: SafetensorsError.self) {
            try AtomicFolder.write(to: destination, ifExists: .replace) { path in
                var writer = SafetensorsWriter()
                let values = [UInt8](repeating: 7, count: 1 << 20)
                unsafe writer.add("large", .uint8, shape: [values.count]) { sink in
                    unsafe try values.withUnsafeBytes { unsafe try sink($0) }
                }
                try writer.write(to: path + "/adapter.safetensors")
            }
        }
        #expect(try text(destination + "/a") == "old")
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path) == ["out"])
    }
}

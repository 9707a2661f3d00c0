import Foundation
import GraftFormats
import GraftTestSupport
import Testing

private struct SourceFailure: Error, CustomStringConvertible {
    let description = "the device is gone"
}

@Suite struct SafetensorsWriterTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path + "/out.safetensors"
    }

    private func writer(copying name: String) throws -> SafetensorsWriter {
        let checkpoint = try Checkpoint(path: fixture(name))
        var writer = SafetensorsWriter(metadata: checkpoint.files[0].metadata)
        for tensor in checkpoint.tensors.reversed() { writer.add(tensor) }
        return writer
    }

    private func add(_ name: String, _ values: [Float], to writer: inout SafetensorsWriter) {
        unsafe writer.add(name, .float32, shape: [values.count]) { sink in
            unsafe try values.withUnsafeBytes { unsafe try sink($0) }
        }
    }

    @Test(arguments: ["every_type.safetensors", "odd_names.safetensors"])
    func `a file equals that of the reference byte for byte`(name: String) throws {
        try writer(copying: name).write(to: path)
        #expect(try bytes(of: path) == bytes(of: fixture(name)))
        #expect(try folder.contents == ["out.safetensors"])
    }

    @Test func `no tensors make a file too`() throws {
        try SafetensorsWriter().write(to: path)
        #expect(try SafetensorsFile(path: path).entries.isEmpty)
    }

    @Test func `a file may be replaced while it is mapped`() throws {
        try writer(copying: "odd_names.safetensors").write(to: path)
        let older = try Checkpoint(path: path)
        var writer = SafetensorsWriter()
        for tensor in older.tensors { writer.add(tensor, as: "new." + tensor.entry.name) }
        try writer.write(to: path)
        #expect(older["scalar"] != nil)
        #expect(try Checkpoint(path: path)["new.scalar"] != nil)
    }

    @Test func `mistakes of the caller are errors and leave the older file`() throws {
        var good = SafetensorsWriter()
        add("a", [1], to: &good)
        try good.write(to: path)
        let before = try bytes(of: path)

        var twice = good
        add("a", [2], to: &twice)
        var reserved = good
        add("__metadata__", [2], to: &reserved)
        var short = good
        unsafe short.add("b", .float32, shape: [2]) { _ in }
        var long = good
        unsafe long.add("b", .uint8, shape: []) { sink in
            unsafe try [UInt8](repeating: 0, count: 9).withUnsafeBytes { unsafe try sink($0) }
        }
        var negative = good
        unsafe negative.add("b", .uint8, shape: [-1]) { _ in }
        var failing = good
        unsafe failing.add("b", .uint8, shape: [1]) { _ in throw SourceFailure() }

        for (writer, problem) in [
            (twice, "tensor 'a': is given twice"),
            (reserved, "tensor '__metadata__': has a reserved name"),
            (short, "tensor 'b': came as 0 bytes instead of 8"),
            (long, "tensor 'b': came as 9 bytes instead of 1"),
            (negative, "tensor 'b': has the impossible shape [-1]"),
            (failing, "tensor 'b': the device is gone"),
        ] {
            let error = #expect(throws: SafetensorsError.self) { try writer.write(to: path) }
            #expect(error?.description == "\(path): \(problem)")
            #expect(try bytes(of: path) == before)
            #expect(try folder.contents == ["out.safetensors"])
        }
    }

    @Test func `a folder that is missing or in the way is named`() throws {
        let missing = folder.path + "/no/out.safetensors"
        for (path, problem) in [
            (missing, "cannot create: No such file or directory"), (folder.path, "is a folder"),
        ] {
            let error = #expect(throws: SafetensorsError.self) {
                try SafetensorsWriter().write(to: path)
            }
            #expect(error?.file == path)
            #expect(error?.problem == problem)
        }
        #expect(try folder.contents.isEmpty)
    }

    // /dev/full does not help here, for the writer never opens an existing file.
    @Test(.enabled(if: SmallDisk.isAvailable, "needs the right to mount a tmpfs"))
    func `a full disk is an error and leaves nothing behind`() throws {
        let disk = try SmallDisk(kibibytes: 64)
        let path = disk.path + "/out.safetensors"
        var writer = SafetensorsWriter()
        add("a", [Float](repeating: 1, count: 1 << 20), to: &writer)
        let error = #expect(throws: SafetensorsError.self) { try writer.write(to: path) }
        #expect(error?.file == path)
        #expect(error?.problem == "cannot write: No space left on device")
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path).isEmpty)
    }
}

import Foundation
import GraftFormats
import Testing

@Suite struct ContentHashTests {
    private let folder: TemporaryFolder
    private let cache: HashCache

    init() throws {
        folder = try TemporaryFolder()
        cache = HashCache(folder: folder.path + "/cache/hashes")
    }

    private var entries: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: cache.folder)) ?? []
    }

    /// Sets the time of the last change back, so that the file counts as settled.
    private func age(_ path: String, seconds: Double) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -seconds)],
            ofItemAtPath: path
        )
    }

    @Test(arguments: ["every_type.safetensors", "odd_names.safetensors"])
    func `the hash of weights equals the script's own computation`(name: String) throws {
        let json = try Data(contentsOf: URL(filePath: fixture("content_hashes.json")))
        let expected = try JSONDecoder().decode([String: ContentHash].self, from: json)
        let checkpoint = try Checkpoint(path: fixture(name))
        #expect(ContentHash(of: checkpoint, cache: nil) == expected[name])
        #expect(ContentHash(of: checkpoint.tensors.reversed()) == expected[name])
    }

    @Test func `sharding and metadata do not change the hash, any byte does`() throws {
        let whole = try Checkpoint(path: fixture("every_type.safetensors"))
        var map: [String: String] = [:]
        for half in 0..<2 {
            var writer = SafetensorsWriter(metadata: ["half": "\(half)"])
            let shard = "part-\(half).safetensors"
            for (position, tensor) in whole.tensors.enumerated() where position % 2 == half {
                writer.add(tensor)
                map[tensor.entry.name] = shard
            }
            try writer.write(to: folder.path + "/" + shard)
        }
        let index = try JSONEncoder().encode(["weight_map": map])
        try folder.write([UInt8](index), to: "model.safetensors.index.json")
        let expected = ContentHash(of: whole, cache: nil)
        #expect(ContentHash(of: try Checkpoint(path: folder.path), cache: nil) == expected)

        var changed = try bytes(of: fixture("every_type.safetensors"))
        changed[changed.count - 1] ^= 1
        let path = try folder.write(changed, to: "changed.safetensors")
        #expect(ContentHash(of: try Checkpoint(path: path), cache: nil) != expected)
    }

    // FIPS 180-2, appendix B.
    @Test func `files hash as the standard says`() throws {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        let path = try folder.write(Array("abc".utf8), to: "abc")
        #expect(try ContentHash(ofFile: path, cache: nil).hexadecimal == abc)
        #expect(ContentHash(of: "abc".utf8).description == abc)
        let none = try folder.write([], to: "empty")
        #expect(try ContentHash(ofFile: none, cache: nil).hexadecimal == empty)
    }

    @Test func `an unchanged file is hashed once`() throws {
        let path = try folder.write([1, 2, 3], to: "file")
        try age(path, seconds: 60)
        let hash = try ContentHash(ofFile: path, cache: cache)
        let entry = try #require(entries.first)
        // Only a reader of the cache can come to a hash that the file does not have.
        let file = cache.folder + "/" + entry
        let planted = String(repeating: "0", count: 64)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        try Data(text.replacing(hash.hexadecimal, with: planted).utf8)
            .write(to: URL(filePath: file))
        #expect(try ContentHash(ofFile: path, cache: cache).hexadecimal == planted)

        try folder.write([1, 2, 4], to: "file")
        try age(path, seconds: 30)
        #expect(try ContentHash(ofFile: path, cache: cache) == ContentHash(of: [1, 2, 4]))
        #expect(entries.count == 2)
    }

    @Test func `a file that has just changed is not entered`() throws {
        let path = try folder.write([1], to: "file")
        _ = try ContentHash(ofFile: path, cache: cache)
        #expect(entries.isEmpty)
    }

    @Test func `a cache that is damaged or cannot be written changes nothing`() throws {
        let path = try folder.write([1, 2, 3], to: "file")
        try age(path, seconds: 60)
        let expected = ContentHash(of: [1, 2, 3])
        let blocked = HashCache(folder: path + "/cannot/be")
        #expect(try ContentHash(ofFile: path, cache: blocked) == expected)

        #expect(try ContentHash(ofFile: path, cache: cache) == expected)
        let entry = cache.folder + "/" + (try #require(entries.first))
        let whole = try bytes(of: entry)
        for damaged in [
            [], Array(whole.dropLast()), whole + [0x30], [UInt8](repeating: 0xFF, count: 9),
        ] {
            try Data(damaged).write(to: URL(filePath: entry))
            #expect(try ContentHash(ofFile: path, cache: cache) == expected)
        }
    }

    @Test(arguments: [
        "", "abc", String(repeating: "A", count: 64), String(repeating: "g", count: 64),
    ])
    func `what is not a hash is not taken for one`(text: String) {
        #expect(ContentHash(hexadecimal: text) == nil)
    }
}

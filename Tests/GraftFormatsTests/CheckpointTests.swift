import Foundation
import GraftFormats
import Testing

@Suite struct CheckpointTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Writes a shard whose tensors hold their own names as bytes.
    private func shard(_ file: String, _ names: [String]) throws {
        var writer = SafetensorsWriter()
        for name in names {
            unsafe writer.add(name, .uint8, shape: [name.utf8.count]) { sink in
                unsafe try Array(name.utf8).withUnsafeBytes { unsafe try sink($0) }
            }
        }
        try writer.write(to: folder.path + "/" + file)
    }

    private func index(_ json: String) throws {
        try folder.write(Array(json.utf8), to: "model.safetensors.index.json")
    }

    private func failure() throws -> String {
        let error = #expect(throws: SafetensorsError.self) { try Checkpoint(path: folder.path) }
        let text = try #require(error).description
        #expect(!text.contains("\n"))
        return text.replacingOccurrences(of: folder.path, with: "DIR")
    }

    @Test func `a single file is found in its folder and by its path`() throws {
        try shard("model.safetensors", ["b", "a"])
        for path in [folder.path, folder.path + "/model.safetensors"] {
            let checkpoint = try Checkpoint(path: path)
            #expect(checkpoint.names == ["a", "b"])
            #expect(checkpoint.byteCount == 2)
        }
    }

    @Test func `tensors are found in all shards`() throws {
        try shard("model-00001-of-00002.safetensors", ["first", "second"])
        try shard("model-00002-of-00002.safetensors", ["third"])
        try index(
            """
            {"metadata": {"total_size": 16}, "weight_map": {
                "first": "model-00001-of-00002.safetensors",
                "second": "model-00001-of-00002.safetensors",
                "third": "model-00002-of-00002.safetensors"}}
            """
        )
        let checkpoint = try Checkpoint(path: folder.path)
        #expect(checkpoint.files.count == 2)
        #expect(checkpoint.names == ["first", "second", "third"])
        #expect(checkpoint.byteCount == 16)
        for name in checkpoint.names {
            let text = unsafe try checkpoint.tensor(name).withUnsafeBytes {
                unsafe String(decoding: $0, as: UTF8.self)
            }
            #expect(text == name)
        }
        let error = #expect(throws: SafetensorsError.self) { try checkpoint.tensor("thrid") }
        #expect(error?.hint == "did you mean 'third'?")
    }

    @Test(arguments: [
        (
            #"{"weight_map": {"a": "one.safetensors", "x": "two.safetensors"}}"#,
            "DIR/two.safetensors: the shard is missing (hint: the download is incomplete; "
                + "'x' is in that shard)"
        ),
        (
            #"{"weight_map": {"a": "one.safetensors", "x": "one.safetensors"}}"#,
            "DIR/one.safetensors: tensor 'x': is not in the shard where the index puts it (hint: "
                + "the index and the shards are of different versions; download again)"
        ),
        (
            #"{"weight_map": {"a": "one.safetensors"}}"#,
            "DIR/one.safetensors: tensor 'b': is in this shard, but the index does not put it here "
                + "(hint: the index and the shards are of different versions; download again)"
        ),
        (
            #"{"weight_map": {"a": "../one.safetensors"}}"#,
            "DIR/model.safetensors.index.json: names the shard '../one.safetensors', which is not "
                + "a file in this folder (hint: do not trust this checkpoint)"
        ),
        (
            #"{"weight_map": {"a": "/etc/x.safetensors"}}"#,
            "DIR/model.safetensors.index.json: names the shard '/etc/x.safetensors', which is not "
                + "a file in this folder (hint: do not trust this checkpoint)"
        ),
        (#"{"weight_map": {}}"#, "DIR/model.safetensors.index.json: lists no tensors"),
        ("{}", "DIR/model.safetensors.index.json: weight_map: is missing"),
        (
            #"{"weight_map": {"a": 1}}"#,
            "DIR/model.safetensors.index.json: weight_map.a: expected a string, found 1"
        ),
    ])
    func `an index that disagrees with the shards is refused`(
        json: String,
        message: String
    ) throws {
        try shard("one.safetensors", ["a", "b"])
        try index(json)
        #expect(try failure() == message)
    }

    @Test(arguments: [
        (
            "pytorch_model.bin",
            "it has 'pytorch_model.bin': convert it with transformers, "
                + "AutoModel.from_pretrained(\"DIR\").save_pretrained(\"DIR\")"
        ),
        ("adapter.safetensors", "it has 'adapter.safetensors': name that file"),
        ("notes.txt", "is this the folder of a model?"),
    ])
    func `a folder without weights gets a hint by what it holds`(
        file: String,
        hint: String
    ) throws {
        try folder.write([0], to: file)
        let problem = "no model.safetensors or model.safetensors.index.json found"
        #expect(try failure() == "DIR: \(problem) (hint: \(hint))")
    }

    @Test func `a folder that does not exist is named`() {
        let path = folder.path + "/absent"
        let error = #expect(throws: SafetensorsError.self) { try Checkpoint(path: path) }
        #expect(error?.description.hasPrefix("\(path): cannot open: No such file") == true)
    }
}

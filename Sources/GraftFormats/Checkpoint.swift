internal import Foundation
internal import GraftLayers

/// The weights of a model in a Hugging Face folder: one safetensors file, or shards with an index.
///
/// All shards are opened and checked at once (only their headers are read), and the index must
/// agree with them in both directions, so that a half-finished download is an error here and not a
/// missing tensor later.
///
/// ```swift
/// let checkpoint = try Checkpoint(path: "llama")
/// let weight = try checkpoint.tensor("model.embed_tokens.weight")
/// ```
public struct Checkpoint: Sendable {
    /// The file of a model that is not split.
    static let singleName = "model.safetensors"

    /// The index of a model that is split.
    static let indexName = "model.safetensors.index.json"

    /// The folder or file as it was given.
    public let path: String

    /// The files, in the order of their names.
    public let files: [SafetensorsFile]

    private let locations: [ExactName: (file: Int, entry: SafetensorsFile.Entry)]

    /// Opens the weights in a folder, or a single safetensors file.
    ///
    /// - Parameter path: A folder with `model.safetensors`, or with `model.safetensors.index.json`
    ///   and its shards; or a safetensors file of any name.
    /// - Throws: ``SafetensorsError`` if there is neither, a file is damaged, or the index and the
    ///   shards disagree.
    public init(path: String) throws(SafetensorsError) {
        self.path = path
        let single = "\(path)/\(Checkpoint.singleName)"
        let index = "\(path)/\(Checkpoint.indexName)"
        if !isFolder(path) {
            files = [try SafetensorsFile(path: path)]
        } else if FileManager.default.fileExists(atPath: single) {
            files = [try SafetensorsFile(path: single)]
        } else if FileManager.default.fileExists(atPath: index) {
            files = try Checkpoint.shards(index, in: path)
        } else {
            throw Checkpoint.nothingFound(in: path)
        }
        locations = files.enumerated().reduce(into: [:]) { result, file in
            for entry in file.element.entries {
                result[ExactName(entry.name)] = (file.offset, entry)
            }
        }
    }

    /// Gives the memory of the mapped files back; they are read again where they are needed.
    public func releasePages() {
        for file in files { file.mapping.advise(.dontNeed) }
    }

    /// The names of all tensors, in the order of the files and of the bytes in them.
    public var names: [String] { files.flatMap(\.names) }

    /// All tensors, in the order of ``names``.
    public var tensors: [StoredTensor] {
        files.flatMap { file in file.entries.map { StoredTensor($0, in: file) } }
    }

    /// The size of all tensors, in bytes.
    public var byteCount: Int {
        files.reduce(0) { $0 + $1.entries.reduce(0) { $0 + $1.byteRange.count } }
    }

    /// The tensor of a name, or `nil` if no file has it.
    public subscript(name: String) -> StoredTensor? {
        locations[ExactName(name)].map { StoredTensor($0.entry, in: files[$0.file]) }
    }

    /// Returns the tensor of a name that must be there.
    ///
    /// - Throws: ``SafetensorsError`` that suggests the nearest name.
    public func tensor(_ name: String) throws(SafetensorsError) -> StoredTensor {
        guard let tensor = self[name] else {
            let near = names.nearest(to: name).map { "did you mean \(quoted($0))?" }
            throw SafetensorsError(path, tensor: name, "is not in the checkpoint", hint: near)
        }
        return tensor
    }

    /// Opens the shards that an index lists and checks them against it.
    private static func shards(
        _ index: String,
        in folder: String
    ) throws(SafetensorsError) -> [SafetensorsFile] {
        let shardOfTensor: [String: String]
        do {
            shardOfTensor = try ConfigurationFile(path: index).decode(Index.self).weightMap
        } catch {
            let field = error.field.isEmpty ? "" : "\(error.field): "
            throw SafetensorsError(index, field + error.problem)
        }
        guard !shardOfTensor.isEmpty else { throw SafetensorsError(index, "lists no tensors") }
        let expected = Dictionary(grouping: shardOfTensor.keys.sorted()) { shardOfTensor[$0] ?? "" }
        let shards = expected.sorted { $0.key < $1.key }
        for (shard, names) in shards {
            guard isPlainName(shard) else {
                let problem = "names the shard \(quoted(shard)), which is not a file in this folder"
                throw SafetensorsError(index, problem, hint: "do not trust this checkpoint")
            }
            let path = "\(folder)/\(shard)"
            guard FileManager.default.fileExists(atPath: path) else {
                let hint = "the download is incomplete; \(quoted(names[0])) is in that shard"
                throw SafetensorsError(path, "the shard is missing", hint: hint)
            }
        }
        var files: [SafetensorsFile] = []
        for (shard, names) in shards {
            let path = "\(folder)/\(shard)"
            let file = try SafetensorsFile(path: path)
            if let absent = names.first(where: { file[$0] == nil }) {
                let hint = "the index and the shards are of different versions; download again"
                let problem = "is not in the shard where the index puts it"
                throw SafetensorsError(path, tensor: absent, problem, hint: hint)
            }
            if let stranger = file.names.first(where: { shardOfTensor[$0] != shard }) {
                let hint = "the index and the shards are of different versions; download again"
                let problem = "is in this shard, but the index does not put it here"
                throw SafetensorsError(path, tensor: stranger, problem, hint: hint)
            }
            files.append(file)
        }
        return files
    }

    private static func nothingFound(in folder: String) -> SafetensorsError {
        let contents = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let problem = "no \(singleName) or \(indexName) found"
        if let pickle = contents.sorted().first(where: { $0.hasSuffix(".bin") }) {
            let convert =
                "AutoModel.from_pretrained(\"\(folder)\").save_pretrained(\"\(folder)\")"
            let hint = "it has \(quoted(pickle)): convert it with transformers, \(convert)"
            return SafetensorsError(folder, problem, hint: hint)
        }
        if let other = contents.sorted().first(where: { $0.hasSuffix(".safetensors") }) {
            return SafetensorsError(
                folder,
                problem,
                hint: "it has \(quoted(other)): name that file"
            )
        }
        return SafetensorsError(folder, problem, hint: "is this the folder of a model?")
    }
}

/// The part of `model.safetensors.index.json` that says where each tensor is.
private struct Index: Decodable {
    let weightMap: [String: String]

    enum CodingKeys: String, CodingKey, CaseIterable { case weightMap = "weight_map" }

    init(from decoder: any Decoder) throws {
        weightMap = try decoder.fields(CodingKeys.self, unknown: .ignored).required(.weightMap)
    }
}

/// Whether a name from an untrusted file can only mean a file in the same folder.
private func isPlainName(_ name: String) -> Bool {
    name.hasSuffix(".safetensors") && !name.hasPrefix(".")
        && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 < 0x20 }
}

private func isFolder(_ path: String) -> Bool {
    let type = try? FileManager.default.attributesOfItem(atPath: path + "/.")[.type]
    return type as? FileAttributeType == .typeDirectory
}

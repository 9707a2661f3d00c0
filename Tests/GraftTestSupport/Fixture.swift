package import Foundation
internal import GraftFormats
package import GraftLayers
package import GraftModels
package import GraftTorch

/// What a reference library computed: a safetensors file below `Tests/Fixtures`, whose README gives the schemas.
package struct Fixture: Sendable {
    /// The folder `Tests/Fixtures`.
    package static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures", directoryHint: .isDirectory)

    package let name: String
    package let tensors: [String: Tensor]
    package let metadata: [String: String]

    /// Reads `Tests/Fixtures/<name>.safetensors`.
    package init(_ name: String) throws {
        try self.init(
            name,
            at: Fixture.folder.appending(path: name + ".safetensors").path(percentEncoded: false)
        )
    }

    /// Reads a file of such a schema that lies elsewhere.
    package init(_ name: String, at path: String) throws {
        let file = try TensorFile(path: path)
        self.name = name
        tensors = try file.tensors.mapValues { try $0.moved(to: testDevice) }
        metadata = file.metadata
    }

    /// The names, in alphabetical order, of all fixtures of a folder, that folder included.
    package static func names(in name: String) throws -> [String] {
        let files = try FileManager.default.contentsOfDirectory(
            atPath: folder.appending(path: name).path(percentEncoded: false)
        )
        return files.filter { $0.hasSuffix(".safetensors") }
            .map { name + "/" + $0.dropLast(".safetensors".count) }.sorted()
    }

    /// The tensor of a name.
    ///
    /// - Throws: ``MissingFixturePart`` if there is none.
    package subscript(key: String) -> Tensor {
        get throws {
            guard let tensor = tensors[key] else { throw MissingFixturePart(name: name, key: key) }
            return tensor
        }
    }

    /// The tensors whose names start with `prefix`, without it.
    package func tensors(below prefix: String) -> [String: Tensor] {
        Dictionary(
            uniqueKeysWithValues: tensors.compactMap { key, tensor in
                key.hasPrefix(prefix) ? (String(key.dropFirst(prefix.count)), tensor) : nil
            }
        )
    }

    /// A metadata entry that is JSON.
    package func json<Value: Decodable>(
        _ key: String,
        as type: Value.Type = Value.self
    ) throws -> Value {
        guard let text = metadata[key] else { throw MissingFixturePart(name: name, key: key) }
        return try JSONDecoder().decode(type, from: Data(text.utf8))
    }

    /// The tokens of each row: `values` [tokens] cut by lengths.
    package func rows(_ key: String, lengths: String = "lengths") throws -> [[Int32]] {
        let values: [Int32] = try self[key].values()
        let lengths: [Int64] = try self[lengths].values()
        var start = 0
        return lengths.map { length in
            defer { start += Int(length) }
            return Array(values[start..<start + Int(length)])
        }
    }

    /// The input: `ids`, `type_ids` (zeros where there are none) and `lengths`.
    package func batch() throws -> TokenBatch {
        let ids = try rows("ids")
        let types = tensors["type_ids"] == nil ? nil : try rows("type_ids")
        return try tokenBatch(ids, types: types)
    }

    /// The source rows of ``batch()`` with what a decoder reads: `target.ids` and `target.lengths`.
    package func sourceTargetBatch() throws -> SourceTargetBatch {
        let rows = try rows("target.ids", lengths: "target.lengths")
        return SourceTargetBatch(source: try batch(), target: try tokenBatch(rows))
    }

    /// The input of a model: `pixels` where it reads images, otherwise as ``batch()``.
    package func batch(for tower: any Tower) throws -> any RaggedBatch {
        guard let tower = tower as? any ImageTower else { return try batch() }
        return try ImageBatch(pixels: self["pixels"], tokensPerImage: tower.tokensPerImage)
    }

    /// One row of such an input.
    package func batch(for tower: any Tower, row: Int) throws -> any RaggedBatch {
        if let tower = tower as? any ImageTower {
            let pixels = try self["pixels"].narrowed(row..<row + 1)
            return try ImageBatch(pixels: pixels, tokensPerImage: tower.tokensPerImage)
        }
        let types = try tensors["type_ids"] == nil ? nil : [rows("type_ids")[row]]
        return try tokenBatch([rows("ids")[row]], types: types)
    }
}

/// A batch on the ``testDevice``; without `types` all token types are 0.
package func tokenBatch(
    _ rows: [[Int32]],
    types: [[Int32]]? = nil,
    starts: [Int]? = nil
) throws(TorchError) -> TokenBatch {
    try TokenBatch(
        rows: rows.enumerated().map { row, ids in
            (ids, types?[row] ?? [Int32](repeating: 0, count: ids.count))
        },
        starts: starts,
        device: testDevice
    )
}

/// A tensor or metadata entry that a fixture should have.
package struct MissingFixturePart: Error, CustomStringConvertible {
    let name: String
    let key: String

    package var description: String { "\(name).safetensors has no '\(key)'" }
}

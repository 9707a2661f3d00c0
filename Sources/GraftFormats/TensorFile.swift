public import GraftTorch

/// Named tensors in a safetensors file of our own.
public struct TensorFile: Sendable {
    /// The strings stored beside the tensors.
    public var metadata: [String: String]
    /// The tensors by name.
    public var tensors: [String: Tensor]

    /// Gathers tensors to be written.
    public init(_ tensors: [String: Tensor], metadata: [String: String] = [:]) {
        self.tensors = tensors
        self.metadata = metadata
    }

    /// Reads all tensors of a file, in place.
    ///
    /// - Throws: ``SafetensorsError`` if the file is damaged.
    public init(path: String) throws {
        let file = try SafetensorsFile(path: path)
        metadata = file.metadata
        tensors = [:]
        for entry in file.entries {
            tensors[entry.name] = try Tensor(StoredTensor(entry, in: file))
        }
    }

    /// Writes the file, complete or not at all.
    ///
    /// - Throws: ``SafetensorsError`` if it cannot be written.
    public func write(to path: String) throws {
        var writer = SafetensorsWriter(metadata: metadata)
        for (name, tensor) in tensors {
            let type = try tensor.dtype.stored
            unsafe writer.add(name, type, shape: tensor.shape) { sink in
                try unsafe tensor.bytes().withUnsafeBytes { try unsafe sink($0) }
            }
        }
        try writer.write(to: path)
    }
}

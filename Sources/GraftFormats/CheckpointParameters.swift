public import GraftLayers
public import GraftTorch
internal import Synchronization

/// A model folder's weights as frozen parameters, used in place where the mapping allows it.
///
/// A tensor of the wanted element type is a view of the mapped file: nothing is copied, pages are
/// read when they are first used, and processes on one machine share them.
public final class CheckpointParameters: ParameterSource {
    private let checkpoint: Checkpoint
    private let prefix: String
    private let dtype: DType?
    /// The elements of the stored tensors that were asked for.
    private let used = Mutex<[String: Int]>([:])

    /// Creates a source.
    ///
    /// - Parameters:
    ///   - checkpoint: The weights.
    ///   - prefix: What whole models put before the base model's names, such as `bert`; it is left
    ///     out where the checkpoint leaves it out.
    ///   - dtype: The element type to compute in; others are converted, which copies them. With `nil`
    ///     all stay as they are stored.
    public init(_ checkpoint: Checkpoint, prefix: String, dtype: DType? = .float32) {
        self.checkpoint = checkpoint
        let isPrefixed = checkpoint.names.contains { $0.hasPrefix(prefix + ".") }
        self.prefix = isPrefixed ? prefix + "." : ""
        self.dtype = dtype
    }

    /// The number of parameters that were asked for.
    public var parameterCount: Int { used.withLock { $0.values.reduce(0, +) } }

    public func parameter(_ name: String, shape: [Int], initial: Initializer) throws -> Tensor {
        guard let stored = stored(name) else {
            let near = checkpoint.names.nearest(to: prefix + name)
            throw ParameterError(
                name: prefix + name,
                problem: "is not in \(checkpoint.path)"
                    + (near.map { " (hint: it has '\($0)')" } ?? "")
            )
        }
        guard stored.entry.shape == shape else {
            throw ParameterError(
                name: stored.entry.name,
                problem: "config.json asks for the shape \(shape), but \(stored.mapping.path) has"
                    + " \(stored.entry.shape) (hint: do both files come from one model?)"
            )
        }
        guard stored.entry.elementType.isFloatingPoint else {
            throw ParameterError(
                name: stored.entry.name,
                problem: "has the element type \(stored.entry.elementType.rawValue) in"
                    + " \(stored.mapping.path), where weights are wanted (hint: quantised"
                    + " checkpoints are not supported)"
            )
        }
        used.withLock { $0[stored.entry.name] = stored.entry.elementCount }
        let tensor = try Tensor(stored)
        return try dtype.map { try tensor.converted(to: $0) } ?? tensor
    }

    /// Confirms that no layer is left over: a model without some of its layers would answer all the same.
    ///
    /// Other tensors may be: heads, poolers and buffers that nobody asked for.
    ///
    /// - Throws: `ParameterError` naming a tensor like one of the first layer, which every model has, that nobody asked for.
    package func checkAllLayersUsed() throws(ParameterError) {
        let used = used.withLock { $0 }
        let left = checkpoint.names.filter { name in
            guard used[name] == nil else { return false }
            let parts = name.split(separator: ".")
            return parts.indices.contains { index in
                guard Int(parts[index]) != nil else { return false }
                var first = parts
                first[index] = "0"
                return used[first.joined(separator: ".")] != nil
            }
        }
        guard let first = left.min() else { return }
        throw ParameterError(
            name: first,
            problem: "is in \(checkpoint.path), but config.json asks for fewer layers"
                + " (hint: do both files come from one model?)"
        )
    }

    public func contains(_ name: String) -> Bool { stored(name) != nil }

    /// The checkpoint's own name of a parameter, or `nil` if it does not have it.
    package func storedName(_ name: String) -> String? { stored(name)?.entry.name }

    private func stored(_ name: String) -> StoredTensor? {
        if let found = checkpoint[prefix + name] { return found }
        // Checkpoints converted from TensorFlow call a norm's parameters gamma and beta.
        for (new, old) in [
            ("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta"),
        ]
        where name.hasSuffix(new) {
            return checkpoint[prefix + name.dropLast(new.count) + old]
        }
        // A language model's output projection stands beside the base model.
        return checkpoint[name]
    }
}

extension Tensor {
    /// Views a stored tensor in place, or copies it if it is not aligned.
    ///
    /// - Throws: ``SafetensorsError`` if tensors cannot have its element type, or `TorchError`.
    public init(_ stored: StoredTensor) throws {
        let entry = stored.entry
        guard let dtype = DType(entry.elementType) else {
            throw SafetensorsError(
                stored.mapping.path,
                tensor: entry.name,
                "has the element type \(entry.elementType.rawValue), which Graft cannot compute with"
            )
        }
        self = try unsafe stored.withUnsafeBytes { bytes in
            entry.isAligned
                ? try unsafe Tensor(
                    viewing: bytes,
                    dtype: dtype,
                    shape: entry.shape,
                    owner: stored.mapping
                )
                : try unsafe Tensor(copying: bytes, dtype: dtype, shape: entry.shape)
        }
    }
}

extension DType {
    /// The element type of stored tensors, or `nil` if there is none in memory.
    init?(_ stored: ElementType) {
        switch stored {
        case .float32: self = .float32
        case .bfloat16: self = .bfloat16
        case .float16: self = .float16
        case .float64: self = .float64
        case .int64: self = .int64
        case .int32: self = .int32
        case .int8: self = .int8
        case .uint8: self = .uint8
        case .bool: self = .bool
        case .float8e5m2, .float8e4m3, .int16, .uint16, .uint32, .uint64: return nil
        }
    }

    /// The element type under which tensors of this one are stored.
    var stored: ElementType {
        switch self {
        case .float32: .float32
        case .bfloat16: .bfloat16
        case .float16: .float16
        case .float64: .float64
        case .int64: .int64
        case .int32: .int32
        case .int8: .int8
        case .uint8: .uint8
        case .bool: .bool
        }
    }
}

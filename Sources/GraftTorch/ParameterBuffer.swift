internal import CGraftTorch

/// Everything that one optimizer trains, as one flat float32 buffer.
///
/// The trained tensors are leaves over slices of the buffer, so that a step, a gradient norm, an
/// exchange between machines or a checkpoint touches a few long arrays instead of hundreds of small
/// tensors. Values change in ``AdamW/update(_:of:gradients:learningRate:)`` and ``load(_:)`` only,
/// never during a forward pass.
public final class ParameterBuffer: Sendable {
    /// One trained tensor inside the buffer.
    public struct Slice: Sendable, Hashable {
        /// The parameter's name.
        public let name: String
        /// The parameter's shape.
        public let shape: [Int]
        /// Where its elements lie.
        public let range: Range<Int>

        /// Names a part of a buffer.
        public init(name: String, shape: [Int], range: Range<Int>) {
            self.name = name
            self.shape = shape
            self.range = range
        }
    }

    /// The slices in the order of their declaration.
    public let slices: [Slice]
    /// The leaves, in the same order.
    public let leaves: [Tensor]
    /// All values: float32 [count].
    public let values: Tensor

    /// Gathers copies of `initial` into one buffer, on a device or where the first of them lies.
    public init(
        _ initial: [(name: String, value: Tensor)],
        device: Device? = nil
    ) throws(TorchError) {
        let device = device ?? initial.first?.value.device ?? .cpu
        var slices: [Slice] = []
        var parts: [Tensor] = [try Tensor(zeros: [0], device: device)]
        var start = 0
        for (name, value) in initial {
            let range = start..<start + value.count
            slices.append(Slice(name: name, shape: value.shape, range: range))
            parts.append(try value.detached().moved(to: device, dtype: .float32).reshaped(-1))
            start = range.upperBound
        }
        let flat = try Tensor.concatenated(parts)
        var leaves: [Tensor] = []
        for slice in slices {
            leaves.append(try flat.narrowed(slice.range).reshaped(slice.shape).trainable())
        }
        self.slices = slices
        self.leaves = leaves
        values = flat
    }

    /// The number of trained numbers.
    public var count: Int { values.count }

    /// Lays gradients, in the order of ``leaves``, out as the buffer is: float32 [count].
    public func flattened(_ gradients: [Tensor]) throws(TorchError) -> Tensor {
        var parts: [Tensor] = [try Tensor(zeros: [0], device: values.device)]
        for gradient in gradients {
            parts.append(try gradient.moved(to: values.device, dtype: .float32).reshaped(-1))
        }
        return try Tensor.concatenated(parts)
    }

    /// Replaces all values.
    ///
    /// - Throws: ``TorchError`` if the count differs.
    public func load(_ flat: Tensor) throws(TorchError) {
        guard flat.shape == values.shape else {
            throw TorchError(
                kind: .invalidArgument,
                operation: "load",
                message: "expected \(values.shape) values, found \(flat.shape)"
            )
        }
        let status = values.withRaw { target in flat.withRaw { gt_tensor_copy_into(target, $0) } }
        try check(status, "load", [values, flat])
    }

    /// Whether no value is infinite or NaN.
    public var areFinite: Bool { get throws(TorchError) { try values.isFinite } }

    /// A copy of all values as they are now.
    public func snapshot() throws(TorchError) -> Tensor { try Tensor.concatenated([values]) }
}

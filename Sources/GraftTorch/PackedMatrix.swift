internal import CGraftTorch
internal import Synchronization

/// A frozen matrix and, once asked for, copies of it in the order in which products read it.
///
/// Packing anew costs a product with a few hundred rows about a tenth of its time; a copy takes as much
/// memory as the matrix. Results have the same bits with and without a copy. All copies of a process
/// share ``budget``; a matrix that finds too little of it left stays as it is.
public final class PackedMatrix: Sendable {
    /// The memory of all copies at most, in bytes.
    public static let budget = 128 << 20

    private static let left = Atomic(budget)

    private struct Copies {
        var forward: Tensor?
        var gradient: Tensor?
    }

    private let matrix: Tensor
    private let copies = Mutex(Copies())

    /// Wraps a matrix [output, input].
    public init(_ matrix: Tensor) {
        self.matrix = matrix
    }

    deinit {
        copies.withLock {
            for case let copy? in [$0.forward, $0.gradient] {
                PackedMatrix.left.add(copy.count * 4, ordering: .relaxed)
            }
        }
    }

    /// Makes the copies, if the matrix is frozen, float32 and on a processor with kernels of ours, and
    /// if there is memory left for them.
    ///
    /// - Parameter forGradients: Whether gradients by inputs will be taken too.
    /// - Throws: ``TorchError`` if memory runs out.
    public func pack(forGradients: Bool) throws(TorchError) {
        guard Torch.keepsRows, matrix.device == .cpu, try matrix.dtype == .float32,
            !matrix.requiresGradient
        else { return }
        try copies.withLock { copies throws(TorchError) in
            if copies.forward == nil { copies.forward = try packed(forGradient: false) }
            guard forGradients, copies.gradient == nil else { return }
            copies.gradient = try packed(forGradient: true)
        }
    }

    /// Whether there is a copy for products, and one for gradients.
    package var isPacked: (forward: Bool, gradient: Bool) {
        copies.withLock { ($0.forward != nil, $0.gradient != nil) }
    }

    /// A linear map, `x Wᵀ + bias`.
    ///
    /// - Parameters:
    ///   - x: [..., input]
    ///   - bias: [output]
    /// - Returns: [..., output]
    /// - Throws: ``TorchError`` of kind `invalidArgument` if the shapes do not fit.
    public func callAsFunction(_ x: Tensor, bias: Tensor?) throws(TorchError) -> Tensor {
        let copies = copies.withLock { $0 }
        return try x.linear(
            matrix,
            bias: bias,
            panels: copies.forward,
            gradientPanels: copies.gradient
        )
    }

    private func packed(forGradient: Bool) throws(TorchError) -> Tensor? {
        // Whole panels of columns, of which the widest has 32.
        let (columns, depth) = (matrix.size(forGradient ? 1 : 0), matrix.size(forGradient ? 0 : 1))
        let most = (columns + 31) / 32 * 32 * depth * 4
        guard PackedMatrix.left.subtract(most, ordering: .relaxed).newValue >= 0 else {
            PackedMatrix.left.add(most, ordering: .relaxed)
            return nil
        }
        var taken = 0
        defer { PackedMatrix.left.add(most - taken, ordering: .relaxed) }
        let copy = try Tensor.call("pack", on: [matrix]) { out in
            matrix.withRaw { gt_pack_weight($0, forGradient, &out) }
        }
        taken = copy.count * 4
        return copy
    }
}

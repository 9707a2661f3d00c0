internal import CGraftTorch

/// Runs `body` without recording operations for differentiation, on this thread.
///
/// The mode is thread-local, so the closure is synchronous.
public func withoutGradients<R, Failure: Error>(
    _ body: () throws(Failure) -> R
) throws(Failure) -> R {
    let before = gt_grad_mode_is_enabled()
    gt_grad_mode_set_enabled(false)
    defer { gt_grad_mode_set_enabled(before) }
    return try body()
}

/// Returns the derivatives of a scalar by each of `parameters`, in their order.
///
/// A parameter that the scalar does not depend on gets zeros. The recorded graph is freed.
///
/// - Throws: ``TorchError`` of kind `invalidArgument` if `loss` is not a scalar or was not
///   recorded.
public func gradients(of loss: Tensor, for parameters: [Tensor]) throws(TorchError) -> [Tensor] {
    try unsafe differentiate([loss], parameters) { inputs, count, outs in
        loss.withRaw { unsafe gt_grad($0, inputs, count, outs) }
    }
}

/// Returns the derivatives of `Σ output · seed` by each of `parameters`, in their order.
///
/// - Parameters:
///   - output: A tensor that was recorded.
///   - seed: A tensor of `output`'s shape.
///   - parameters: Trainable tensors.
/// - Returns: A tensor of each parameter's shape; zeros where `output` does not depend on it.
/// - Throws: ``TorchError`` of kind `invalidArgument` if shapes differ or `output` was not
///   recorded.
public func gradients(
    of output: Tensor,
    seed: Tensor,
    for parameters: [Tensor]
) throws(TorchError) -> [Tensor] {
    try unsafe differentiate([output, seed], parameters) { inputs, count, outs in
        output.withRaw { output in
            seed.withRaw { unsafe gt_grad_seeded(output, $0, inputs, count, outs) }
        }
    }
}

private func differentiate(
    _ operands: [Tensor],
    _ parameters: [Tensor],
    _ body: (UnsafePointer<gt_tensor>, Int32, UnsafeMutablePointer<gt_tensor>) -> gt_status
) throws(TorchError) -> [Tensor] {
    guard !parameters.isEmpty else { return [] }
    var outs = unsafe [gt_tensor](repeating: gt_tensor(impl: nil), count: parameters.count)
    let status = unsafe outs.withUnsafeMutableBufferPointer { buffer in
        guard let start = buffer.baseAddress else { return gt_status(GT_INTERNAL) }
        return unsafe Tensor.withRaw(parameters) { unsafe body($0, $1, start) }
    }
    try check(status, "grad", operands)
    return outs.map(Tensor.init(owning:))
}

extension Tensor {
    /// A leaf over the same memory, whose uses are recorded for differentiation.
    public func trainable() throws(TorchError) -> Tensor {
        try Tensor.call("trainable", on: [self]) { out in
            withRaw { gt_tensor_make_leaf($0, &out) }
        }
    }

    /// The same values, cut off from the recorded graph.
    public func detached() throws(TorchError) -> Tensor { try unary("detach", .detach) }
}

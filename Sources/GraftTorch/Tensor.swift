internal import CGraftTorch

/// An n-dimensional array of numbers.
///
/// A tensor's values never change, so tensors cross tasks freely; the memory behind them is counted
/// by reference and shared by views. The one exception are the parameters that an optimizer owns
/// (``ParameterBuffer``): they change between passes, never during one.
///
/// Operations run on the device of their operands and throw ``TorchError`` for whatever data can
/// cause: shapes that do not fit, missing kernels, memory. They are recorded for differentiation
/// when an operand requires gradients, except inside ``withoutGradients(_:)``.
public struct Tensor: @unchecked Sendable {  // at::Tensor counts references atomically
    private final class Handle {
        let raw: gt_tensor
        init(owning raw: gt_tensor) { self.raw = raw }
        deinit { gt_tensor_free(raw) }
    }

    private let handle: Handle

    /// Takes over a +1 reference that the shim returned.
    init(owning raw: gt_tensor) { handle = Handle(owning: raw) }

    /// The only way to the C handle: it cannot be freed before `body` returns.
    @inline(__always)
    func withRaw<R>(_ body: (gt_tensor) -> R) -> R {
        withExtendedLifetime(handle) { body(handle.raw) }
    }

    /// Runs a shim call that writes one tensor.
    @inline(__always)
    static func call(
        _ operation: StaticString,
        on operands: @autoclosure () -> [Tensor] = [],
        _ body: (inout gt_tensor) -> gt_status
    ) throws(TorchError) -> Tensor {
        var out = unsafe gt_tensor(impl: nil)
        let status = body(&out)
        try check(status, operation, operands())
        return Tensor(owning: out)
    }

    /// Runs `body` with the C handles of `tensors`, in order.
    static func withRaw<R>(
        _ tensors: [Tensor],
        _ body: (UnsafePointer<gt_tensor>, Int32) -> R
    ) -> R {
        let raw = tensors.map { $0.handle.raw }
        return withExtendedLifetime(tensors) {
            unsafe raw.withUnsafeBufferPointer { buffer in
                guard let start = buffer.baseAddress else {
                    var none = unsafe gt_tensor(impl: nil)
                    return unsafe body(&none, 0)
                }
                return unsafe body(start, Int32(tensors.count))
            }
        }
    }

    /// The number of tensors alive in this process, for tests that look for leaks.
    public static var liveCount: Int { Int(gt_live_handles()) }
}

extension Optional<Tensor> {
    /// The C handle, or the null handle that the shim reads as "none".
    @inline(__always)
    func withRaw<R>(_ body: (gt_tensor) -> R) -> R {
        guard let self else { return unsafe body(gt_tensor(impl: nil)) }
        return self.withRaw(body)
    }
}

extension Tensor {
    /// The sizes of the dimensions; empty for a scalar.
    public var shape: [Int] {
        withRaw { raw in
            (0..<gt_tensor_rank(raw)).map { Int(gt_tensor_size(raw, $0)) }
        }
    }

    /// The number of dimensions.
    public var rank: Int { withRaw { Int(gt_tensor_rank($0)) } }

    /// The number of elements.
    public var count: Int { withRaw { Int(gt_tensor_count($0)) } }

    /// The size of one dimension; negative dimensions count from the end.
    public func size(_ dimension: Int) -> Int {
        let index = dimension < 0 ? rank + dimension : dimension
        precondition(index >= 0 && index < rank, "dimension \(dimension) of a rank-\(rank) tensor")
        return withRaw { Int(gt_tensor_size($0, Int32(index))) }
    }

    /// The element type.
    public var dtype: DType {
        get throws(TorchError) {
            var code = gt_dtype.float32
            try check(withRaw { gt_tensor_dtype($0, &code) }, "dtype")
            return DType(code: code)
        }
    }

    /// Where the tensor lives.
    public var device: Device { withRaw { Device(code: gt_tensor_device($0)) } }

    /// Whether operations on this tensor are recorded for differentiation.
    public var requiresGradient: Bool { withRaw { gt_tensor_requires_grad($0) } }

    /// Element type and shape, as errors print them: `float32[2, 3]`.
    var summary: String { "\((try? dtype.rawValue) ?? "?")\(shape)" }
}

extension Tensor: CustomStringConvertible {
    public var description: String { "Tensor \(summary) on \(device)" }
}

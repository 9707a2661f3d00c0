internal import CGraftTorch

extension Tensor {
    /// Element-wise sum; shapes broadcast.
    public static func + (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
        try binary("add", .add, a, b)
    }

    /// Element-wise difference; shapes broadcast.
    public static func - (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
        try binary("sub", .sub, a, b)
    }

    /// Element-wise product; shapes broadcast.
    public static func * (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
        try binary("mul", .mul, a, b)
    }

    /// Element-wise quotient; shapes broadcast.
    public static func / (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
        try binary("div", .div, a, b)
    }

    /// Every element times `factor`; the element type stays.
    public static func * (a: Tensor, factor: Double) throws(TorchError) -> Tensor {
        if factor == 1 { return a }
        return try Tensor.call("mul", on: [a]) { out in
            a.withRaw { gt_affine($0, factor, 0, &out) }
        }
    }

    /// Every element plus `term`; the element type stays.
    public static func + (a: Tensor, term: Double) throws(TorchError) -> Tensor {
        try Tensor.call("add", on: [a]) { out in
            a.withRaw { gt_affine($0, 1, term, &out) }
        }
    }

    /// Every element limited to a range.
    public func clamped(to range: ClosedRange<Double>) throws(TorchError) -> Tensor {
        try Tensor.call("clamp", on: [self]) { out in
            withRaw { gt_clamp($0, range.lowerBound, range.upperBound, &out) }
        }
    }

    /// Returns the matrix product of this tensor and `other`.
    ///
    /// Leading dimensions broadcast.
    ///
    /// - Parameter other: A tensor of shape `[..., k, n]`.
    /// - Returns: A tensor of shape `[..., m, n]`, where this tensor is `[..., m, k]`.
    /// - Throws: ``TorchError`` of kind `invalidArgument` if the inner dimensions differ.
    public func matmul(_ other: Tensor) throws(TorchError) -> Tensor {
        try Tensor.binary("matmul", .matmul, self, other)
    }

    /// The positive part, `max(x, 0)`.
    public func relu() throws(TorchError) -> Tensor { try unary("relu", .relu) }

    /// GELU, `x · Φ(x)`; in float32 on the CPU within 1e-6 of the value for arguments above -5, and
    /// within 1e-5 of it below, as far as it is a normal number.
    public func gelu() throws(TorchError) -> Tensor {
        try Tensor.call("gelu", on: [self]) { out in withRaw { gt_gelu($0, &out) } }
    }

    /// GELU by its tanh approximation.
    public func geluTanh() throws(TorchError) -> Tensor { try unary("gelu_tanh", .gelu_tanh) }

    /// SiLU, `x · σ(x)`, also called swish.
    public func silu() throws(TorchError) -> Tensor { try unary("silu", .silu) }

    /// The hyperbolic tangent.
    public func tanh() throws(TorchError) -> Tensor { try unary("tanh", .tanh) }

    /// The logistic function, `1 / (1 + e⁻ˣ)`.
    public func sigmoid() throws(TorchError) -> Tensor { try unary("sigmoid", .sigmoid) }

    /// Leaky ReLU: `x` where positive, `0.01 x` elsewhere.
    public func leakyReLU() throws(TorchError) -> Tensor { try unary("leaky_relu", .leaky_relu) }

    /// Mish, `x · tanh(softplus(x))`.
    public func mish() throws(TorchError) -> Tensor { try unary("mish", .mish) }

    /// The square of each element, `x²`.
    public func squared() throws(TorchError) -> Tensor { try unary("square", .square) }

    /// The inverse error function.
    public func inverseErrorFunction() throws(TorchError) -> Tensor {
        try unary("erfinv", .erfinv)
    }

    /// The square root of each element; NaN for negative ones.
    public func squareRoot() throws(TorchError) -> Tensor { try unary("sqrt", .sqrt) }

    /// e to the power of each element.
    public func exponential() throws(TorchError) -> Tensor { try unary("exp", .exp) }

    /// The inverse tangent of each element, in ±π/2.
    public func arctangent() throws(TorchError) -> Tensor { try unary("atan", .atan) }

    /// Whether shapes, element types and all elements are equal; NaN equals nothing.
    public func isEqual(to other: Tensor) throws(TorchError) -> Bool {
        guard shape == other.shape, try dtype == other.dtype else { return false }
        var equal = false
        let status = withRaw { a in other.withRaw { b in gt_equal(a, b, &equal) } }
        try check(status, "equal", [self, other])
        return equal
    }

    private static func binary(
        _ name: StaticString,
        _ operation: gt_binary_op,
        _ a: Tensor,
        _ b: Tensor
    ) throws(TorchError) -> Tensor {
        try call(name, on: [a, b]) { out in
            a.withRaw { a in b.withRaw { b in gt_binary(operation, a, b, &out) } }
        }
    }

    func unary(_ name: StaticString, _ operation: gt_unary_op) throws(TorchError) -> Tensor {
        try Tensor.call(name, on: [self]) { out in
            withRaw { gt_unary(operation, $0, &out) }
        }
    }
}

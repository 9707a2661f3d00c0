internal import CGraftTorch

/// A source of random numbers with an explicit seed.
///
/// Equal seeds give equal numbers wherever the same libtorch runs on the same instruction set;
/// elsewhere the last bits may differ.
public struct Generator: ~Copyable {
    private let raw: gt_generator

    /// Creates a generator (Mersenne twister, as torch's on the CPU).
    public init(seed: UInt64) throws(TorchError) {
        var raw = unsafe gt_generator(impl: nil)
        try check(gt_generator_new(seed, &raw), "generator")
        self.raw = raw
    }

    deinit { gt_generator_free(raw) }

    /// Float32 numbers of a normal distribution.
    public func normal(
        _ shape: [Int],
        mean: Double = 0,
        deviation: Double = 1
    ) throws(TorchError) -> Tensor {
        let sizes = shape.map(Int64.init)
        return try Tensor.call("normal") { out in
            unsafe gt_normal(raw, sizes, Int32(sizes.count), mean, deviation, &out)
        }
    }

    /// Float32 numbers spread evenly over `range`.
    public func uniform(_ shape: [Int], in range: Range<Double>) throws(TorchError) -> Tensor {
        let sizes = shape.map(Int64.init)
        return try Tensor.call("uniform") { out in
            unsafe gt_uniform(
                raw,
                sizes,
                Int32(sizes.count),
                range.lowerBound,
                range.upperBound,
                &out
            )
        }
    }
}

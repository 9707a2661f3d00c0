public import GraftModels
public import GraftTorch

extension TipAdapter {
    /// The same cache with the `alpha` and `beta` that answer most rightly about images that it did not see.
    ///
    /// Twenty values each are tried, up to 3 and 7; of equals the first is taken, the smallest `beta`, then the smallest
    /// `alpha`.
    ///
    /// Reference: `search_hp` of gaopengcuhk/Tip-Adapter, `utils.py`, with 20 values of `beta` in place of 200.
    ///
    /// - Parameters:
    ///   - features: Where the images are: float32 [images, width]
    ///   - labels: Their classes.
    ///   - classes: The classes by name.
    /// - Returns: The cache with other settings.
    /// - Throws: ``MetricsError`` without images; `TorchError` if shapes do not fit.
    public func searched(
        on features: Tensor,
        labels: [Int],
        classes: NamedClasses
    ) throws -> TipAdapter {
        var best = (adapter: self, accuracy: -1.0)
        for beta in TipAdapter.steps(to: 7) {
            for alpha in TipAdapter.steps(to: 3) {
                let adapter = try replacing(alpha: alpha, beta: beta)
                let accuracy = try adapter.accuracy(on: features, labels: labels, classes: classes)
                if accuracy > best.accuracy { best = (adapter, accuracy) }
            }
        }
        return best.adapter
    }

    /// Values that are tried: from 0.1 on, evenly up to `end`, without it.
    private static func steps(to end: Double) -> [Double] {
        (0..<20).map { 0.1 + Double($0) * (end - 0.1) / 20 }
    }
}

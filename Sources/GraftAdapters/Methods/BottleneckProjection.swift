internal import GraftLayers
internal import GraftTorch

/// The down- or up-projection of a bottleneck.
enum BottleneckProjection: Sendable {
    case dense(Linear)
    case composed(PHMLinear)
    /// Those of several adapters, each for its stretch of a mixed batch.
    case segmented(SegmentedLinear)

    // x: [tokens, input] -> [tokens, output]
    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        switch self {
        case .dense(let linear): try linear(x)
        case .composed(let linear): try linear(x)
        case .segmented(let linear): try linear(x)
        }
    }
}

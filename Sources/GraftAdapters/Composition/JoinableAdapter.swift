internal import GraftLayers
internal import GraftTorch

/// An adapter of which several, that differ in values alone, run as one: each on a stretch of the
/// tokens of a mixed batch.
///
/// Without it a batch of 64 rows with 64 adapters runs 64 times as many operations, each 64 times as
/// narrow; with it as many as under one adapter.
protocol JoinableAdapter: Sendable {
    /// What adapters that run as one have in common; `nil` for one that runs by itself.
    var kind: AnyHashable? { get }
}

protocol JoinableLinearAdapter: LinearAdapter, JoinableAdapter {
    /// Returns the adapter that computes at every stretch what its member would compute there.
    ///
    /// - Parameters:
    ///   - members: Adapters of one kind, in the order of the stretches.
    ///   - offsets: Where each stretch of tokens starts, and where the last ends.
    /// - Returns: An adapter of all stretches together.
    /// - Throws: `TorchError` if a weight cannot be had.
    static func joined(_ members: [Self], offsets: [Int64]) throws(TorchError) -> any LinearAdapter
}

protocol JoinableHiddenAdapter: HiddenAdapter, JoinableAdapter {
    /// Returns the adapter that computes at every stretch what its member would compute there.
    ///
    /// - Parameters:
    ///   - members: Adapters of one kind, in the order of the stretches.
    ///   - offsets: Where each stretch of tokens starts, and where the last ends.
    /// - Returns: An adapter of all stretches together.
    /// - Throws: `TorchError` if a weight cannot be had.
    static func joined(_ members: [Self], offsets: [Int64]) throws(TorchError) -> any HiddenAdapter
}

extension JoinableLinearAdapter {
    static func joined(
        all members: [any LinearAdapter],
        offsets: [Int64]
    ) throws(TorchError) -> any LinearAdapter {
        try joined(members.compactMap { $0 as? Self }, offsets: offsets)
    }
}

extension JoinableHiddenAdapter {
    static func joined(
        all members: [any HiddenAdapter],
        offsets: [Int64]
    ) throws(TorchError) -> any HiddenAdapter {
        try joined(members.compactMap { $0 as? Self }, offsets: offsets)
    }
}

/// Linear maps of one shape, each over a stretch of tokens.
struct SegmentedLinear: Sendable {
    let weights: [Tensor]  // [output, input]
    let biases: [Tensor]  // [output], or none
    let offsets: [Int64]

    // x: [tokens, input] -> [tokens, output]
    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try x.segmentedLinear(weights, biases: biases, offsets: offsets)
    }
}

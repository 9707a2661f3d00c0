public import GraftTorch

/// Changes the output of a frozen projection.
public protocol LinearAdapter: Sendable {
    /// Returns the projection's new output.
    ///
    /// - Parameters:
    ///   - input: What the frozen projection got: [tokens, input]
    ///   - output: What it computed: [tokens, output]
    ///   - context: The pass that this is part of.
    /// - Returns: [tokens, output]
    /// - Throws: `TorchError` if an operation fails.
    func callAsFunction(
        input: Tensor,
        output: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor
}

/// Changes the output of a sub-layer before its residual addition.
public protocol HiddenAdapter: Sendable {
    /// Whether the result at a token depends on that token alone, so that others may be left out.
    var isTokenwise: Bool { get }

    /// Whether the block's own residual addition and normalisation follow.
    var keepsBlockOutput: Bool { get }

    /// Returns the sub-layer's new output: [tokens, hidden]
    func callAsFunction(
        _ state: HiddenState,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor
}

/// What an adapter sees at a hidden site.
public struct HiddenState: Sendable {
    /// The sub-layer's output: [tokens, hidden].
    public let output: Tensor
    /// What the block adds to it; in post-LN blocks also the sub-layer's input: [tokens, hidden].
    public let residual: Tensor
    /// The block's normalisation of the sum, or `nil` in pre-LN blocks.
    public let norm: (any Normalization)?
    /// Where this is.
    public let site: Site
}

/// Replaces a frozen normalisation.
public protocol NormAdapter: Sendable {
    /// Returns the normalisation to use instead of `norm`.
    func replacing(_ norm: LayerNorm) -> any Normalization
}

/// What is active in a forward pass: at most one adapter at each site.
///
/// Compositions of several adapters are themselves adapters of these protocols, so that a model
/// asks one question at a site whether one adapter runs or a hundred.
public struct SiteAdapters: Sendable {
    /// What acts at projections.
    public var linear: [Site: any LinearAdapter] = [:]
    /// What acts at sub-layer outputs.
    public var hidden: [Site: any HiddenAdapter] = [:]
    /// What acts at normalisations.
    public var norm: [Site: any NormAdapter] = [:]

    /// Nothing: the frozen model.
    public init() {}

    /// Every site at which something acts.
    public var sites: Set<Site> { Set(linear.keys).union(hidden.keys).union(norm.keys) }
}

public import GraftTorch

/// Changes the output of a frozen projection.
public protocol LinearAdapter: Sendable {
    /// Whether the result at a token depends on that token alone, so that others may be left out.
    var isTokenwise: Bool { get }

    /// What the adapter adds to the loss, a scalar, or `nil` for nothing.
    func penalty() throws(TorchError) -> Tensor?

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

extension LinearAdapter {
    public var isTokenwise: Bool { true }

    public func penalty() throws(TorchError) -> Tensor? { nil }
}

extension Sequence where Element == any LinearAdapter {
    /// The sum of all penalties, or `nil` if there is none.
    public func penalty() throws(TorchError) -> Tensor? {
        var sum: Tensor?
        for adapter in self { sum = try added(sum, adapter.penalty()) }
        return sum
    }
}

/// The sum of two terms, of which either may be missing.
private func added(_ a: Tensor?, _ b: Tensor?) throws(TorchError) -> Tensor? {
    guard let a, let b else { return a ?? b }
    return try a + b
}

/// Changes the output of a sub-layer before its residual addition.
public protocol HiddenAdapter: Sendable {
    /// Whether the result at a token depends on that token alone, so that others may be left out.
    var isTokenwise: Bool { get }

    /// Whether the block's own residual addition and normalisation follow.
    var keepsBlockOutput: Bool { get }

    /// What the adapter adds to the loss, a scalar, or `nil` for nothing.
    func penalty() throws(TorchError) -> Tensor?

    /// Returns the sub-layer's new output: [tokens, hidden]
    func callAsFunction(
        _ state: HiddenState,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor
}

extension HiddenAdapter {
    public func penalty() throws(TorchError) -> Tensor? { nil }
}

extension Sequence where Element == any HiddenAdapter {
    /// The sum of all penalties, or `nil` if there is none.
    public func penalty() throws(TorchError) -> Tensor? {
        var sum: Tensor?
        for adapter in self { sum = try added(sum, adapter.penalty()) }
        return sum
    }
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

    /// The same place with another output, as a second adapter sees it.
    public func replacing(output: Tensor) -> HiddenState {
        HiddenState(output: output, residual: residual, norm: norm, site: site)
    }

    /// The same place for some of the tokens.
    ///
    /// - Parameter select: Takes the tokens out of a tensor [tokens, hidden].
    /// - Returns: A state whose tensors have those tokens alone.
    /// - Throws: What `select` throws.
    public func selecting(
        _ select: (Tensor) throws(TorchError) -> Tensor
    ) throws(TorchError) -> HiddenState {
        HiddenState(
            output: try select(output),
            residual: try select(residual),
            norm: norm,
            site: site
        )
    }

    /// What the block makes of a sub-layer's output: the residual addition and, in post-LN, the norm.
    public func finished(_ output: Tensor) throws(TorchError) -> Tensor {
        let sum = try output + residual
        return try norm?(sum) ?? sum
    }
}

/// Replaces a frozen normalisation.
public protocol NormAdapter: Sendable {
    /// Returns the normalisation to use instead of `norm`.
    func replacing(_ norm: any AffineNormalization) -> any Normalization
}

/// Puts keys and values in front of those of an attention.
public protocol AttentionAdapter: Sendable {
    /// Whether the prefix is the same whichever of a row's tokens `input` has.
    var isTokenwise: Bool { get }

    /// Returns what stands in front of the keys and values of every row.
    ///
    /// - Parameters:
    ///   - input: What the attention's queries are projected from: [tokens, hidden]
    ///   - site: Which attention.
    ///   - context: The pass that this is part of; its layout is that of `input`.
    /// - Returns: The prefix of all rows, or one for each.
    /// - Throws: `TorchError` if an operation fails.
    func callAsFunction(
        _ input: Tensor,
        at site: Site,
        in context: ForwardContext
    ) throws(TorchError) -> KeyPrefix
}

extension AttentionAdapter {
    public var isTokenwise: Bool { true }
}

/// Keys and values in front of those of the rows.
public struct KeyPrefix: Sendable {
    /// [prefix, key size]; with ``offsets``, the prefixes of all rows one after another.
    public let key: Tensor
    /// As ``key``.
    public let value: Tensor
    /// Where each row's prefix starts, and where the last ends; `nil` if all rows have the same one.
    public let offsets: [Int64]?
    /// Where each row's prefix ends, if not where the next one starts.
    let ends: [Int64]?

    /// Creates a prefix.
    public init(key: Tensor, value: Tensor, offsets: [Int64]? = nil) {
        self.init(key: key, value: value, offsets: offsets, ends: nil)
    }

    init(key: Tensor, value: Tensor, offsets: [Int64]?, ends: [Int64]?) {
        self.key = key
        self.value = value
        self.offsets = offsets
        self.ends = ends
    }
}

extension KeyPrefix {
    /// Puts together a prefix for each row from those of rows of other prefixes.
    ///
    /// - Parameters:
    ///   - prefixes: What is taken from.
    ///   - rows: For each row, which prefixes' rows it gets, in order.
    /// - Throws: `TorchError` if the prefixes differ in width.
    public init(
        joining prefixes: [KeyPrefix],
        rows: [[(prefix: Int, row: Int)]]
    ) throws(TorchError) {
        let starts = prefixes.reduce(into: [Int64(0)]) { $0.append(($0.last ?? 0) + $1.count) }
        var (indices, ends): ([Int64], [Int64]) = ([], [0])
        for parts in rows {
            for (prefix, row) in parts {
                indices += prefixes[prefix].range(of: row).map { $0 + starts[prefix] }
            }
            ends.append(Int64(indices.count))
        }
        let keys = try Tensor.concatenated(prefixes.map(\.key))
        let order = try Tensor(indices)
        self.init(
            key: try keys.selecting(order),
            value: try Tensor.concatenated(prefixes.map(\.value)).selecting(order),
            offsets: ends
        )
    }

    private var count: Int64 { Int64(key.size(0)) }

    /// Where a row's prefix lies.
    private func range(of row: Int) -> Range<Int64> {
        guard let offsets else { return 0..<count }
        return offsets[row]..<(ends?[row] ?? offsets[row + 1])
    }
}

/// Changes the output of a whole block, each token by its place in the row: none may be left out.
public protocol BlockAdapter: Sendable {
    /// Returns the block's new output: [tokens, hidden]
    func callAsFunction(
        _ hidden: Tensor,
        at site: Site,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor
}

/// Changes what the first block reads, and may put tokens in front of every row.
public protocol EmbeddingAdapter: Sendable {
    /// Returns the blocks' input, and sets the context's layout if it has other tokens.
    func callAsFunction(
        _ embedded: Tensor,
        at site: Site,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor

    /// Takes the change of each token back from hidden states, [tokens, hidden], which a
    /// language-model head then compares with word embeddings; by default there is none to take
    /// back.
    func inverse(_ hidden: Tensor) throws(TorchError) -> Tensor
}

extension EmbeddingAdapter {
    public func inverse(_ hidden: Tensor) throws(TorchError) -> Tensor { hidden }
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
    /// What acts in front of keys and values.
    public var attention: [Site: any AttentionAdapter] = [:]
    /// What acts at block outputs.
    public var block: [Site: any BlockAdapter] = [:]
    /// What acts at the embeddings' output.
    public var embedding: [Site: any EmbeddingAdapter] = [:]

    /// Nothing: the frozen model.
    public init() {}

    /// Every site at which something acts.
    public var sites: Set<Site> {
        Set(linear.keys).union(hidden.keys).union(norm.keys)
            .union(attention.keys).union(block.keys).union(embedding.keys)
    }

    /// What is added to the loss, or `nil` for nothing.
    public func penalty() throws(TorchError) -> Tensor? {
        try added(
            linear.sorted { $0.key.path < $1.key.path }.map(\.value).penalty(),
            hidden.sorted { $0.key.path < $1.key.path }.map(\.value).penalty()
        )
    }

    /// The number of a tower's blocks below everything that acts in it, embeddings included.
    public func trunkDepth(of layerCount: Int, in tower: Site.Tower) -> Int {
        sites.filter { $0.tower == tower }.reduce(layerCount) { depth, site in
            // The final norm has no layer, and stands above all that have one.
            min(depth, site.layer ?? (site.role == .finalNorm ? layerCount : 0))
        }
    }

    /// Whether all that acts in a block computes a token's result from that token alone.
    ///
    /// Most prefixes do: every query sees the same keys, whichever queries are left.
    package func isTokenwise(layer: Int, in tower: Site.Tower) -> Bool {
        func isElsewhere(_ site: Site) -> Bool { site.layer != layer || site.tower != tower }
        return linear.allSatisfy { isElsewhere($0) || $1.isTokenwise }
            && hidden.allSatisfy { isElsewhere($0) || $1.isTokenwise }
            && attention.allSatisfy { isElsewhere($0) || $1.isTokenwise }
            && block.keys.allSatisfy(isElsewhere)
    }
}

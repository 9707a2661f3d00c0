public import GraftLayers
public import GraftTorch

/// Hidden states below everything that acts: a pure function of the row.
public struct Trunk: Sendable {
    /// The hidden states: [tokens, hidden].
    public let hidden: Tensor
    /// How they lie: the batch's layout, or that of the tokens that are wanted.
    public let layout: RaggedLayout

    /// Wraps states that `Tower.trunk(_:in:wanted:)` computed.
    public init(hidden: Tensor, layout: RaggedLayout) {
        self.hidden = hidden
        self.layout = layout
    }
}

extension Tower {
    /// Computes hidden states.
    ///
    /// The blocks below everything that acts are the *trunk*. Nothing in it learns, so it records
    /// nothing and drops nothing: its states are a pure function of the row, which may be computed
    /// once and given back as `trunk`.
    ///
    /// - Parameters:
    ///   - batch: Rows.
    ///   - context: What acts at the sites; its layout is that of `batch`.
    ///   - wanted: Which tokens' last hidden states are needed.
    ///   - trunk: The trunk's states for these rows, with the same adapters and `wanted`.
    /// - Returns: The hidden states that are wanted.
    /// - Throws: `TorchError`, of kind `invalidArgument` if a row is longer than the model's
    ///   positions.
    public func callAsFunction(
        _ batch: Batch,
        in context: ForwardContext,
        wanted: WantedTokens,
        trunk: Trunk? = nil
    ) throws(TorchError) -> EncoderOutput {
        let given = context.layout
        var context = context
        var (hidden, first): (Tensor, Int)
        var layers: [Tensor] = []
        let depth = wanted == .allWithLayers ? 0 : trunkDepth(below: context.adapters)
        // What other towers make of the rows is read in blocks alone.
        let isKnown = trunk != nil && depth == layerCount
        let batch = isKnown ? batch : try completed(batch, in: context)
        if depth > 0 {
            let below: Trunk
            if let trunk {
                below = trunk
            } else {
                below = try self.trunk(batch, in: context, wanted: wanted)
            }
            (hidden, first) = (below.hidden, depth)
            context.layout = below.layout
        } else {
            (hidden, first) = (try embedded(batch, in: &context), 0)
        }
        try run(first..<layerCount, &hidden, of: batch, in: &context, wanted: wanted) {
            if wanted == .allWithLayers { layers.append($0) }
        }
        hidden = try finished(hidden, in: context)
        context.cache?.commit()
        let (last, layout) = (hidden, context.layout)
        @Sendable func firstTokens() throws(TorchError) -> Tensor {
            try layout.firstTokens(of: last)
        }
        // Nobody above knows of tokens that an adapter added.
        let own = wanted == .all || wanted == .allWithLayers ? context.ownTokens : nil
        return EncoderOutput(
            hidden: try own.map { own throws(TorchError) in try last.selecting(own) } ?? last,
            layout: own == nil ? layout : given,
            layers: try layers.map { layer throws(TorchError) in
                try own.map { own throws(TorchError) in try layer.selecting(own) } ?? layer
            },
            firstTokens: firstTokens,
            pooled: { () throws(TorchError) in try pooled(firstTokens()) }
        )
    }

    /// The number of blocks below everything that acts; 0 where the model itself is trained.
    public func trunkDepth(below adapters: SiteAdapters) -> Int {
        let acts = adapters.sites.contains { upstream.contains($0.tower) }
        return isTrained || acts ? 0 : adapters.trunkDepth(of: layerCount, in: tower)
    }

    /// Computes the hidden states above which something acts.
    ///
    /// - Parameters:
    ///   - batch: Rows.
    ///   - context: What acts at the sites.
    ///   - wanted: Which tokens are needed in the end.
    /// - Returns: The states of every token; of the wanted ones alone if nothing acts in any block.
    /// - Throws: As a whole pass.
    public func trunk(
        _ batch: Batch,
        in context: ForwardContext,
        wanted: WantedTokens
    ) throws(TorchError) -> Trunk {
        try withoutGradients { () throws(TorchError) in
            var context = context
            context.dropoutSeed = nil
            let batch = try completed(batch, in: context)
            var hidden = try embedded(batch, in: &context)
            let depth = trunkDepth(below: context.adapters)
            try run(0..<depth, &hidden, of: batch, in: &context, wanted: wanted) { _ in }
            return Trunk(hidden: hidden, layout: context.layout)
        }
    }

    /// Runs some blocks, the last block of all for no other tokens than are wanted.
    private func run(
        _ blocks: Range<Int>,
        _ hidden: inout Tensor,
        of batch: Batch,
        in context: inout ForwardContext,
        wanted: WantedTokens,
        _ onLayer: (Tensor) -> Void
    ) throws(TorchError) {
        onLayer(hidden)
        for index in blocks {
            let isLast = index == layerCount - 1
            let kept = try isLast ? context.layout.keeping(wanted, own: context.ownTokens) : nil
            let isCut = context.isTokenwise(layer: index, in: tower)
            hidden = try block(index, hidden, of: batch, in: &context, keeping: isCut ? kept : nil)
            if let kept, !isCut {
                hidden = try kept(hidden)
                context.layout = kept.layout
            }
            onLayer(hidden)
        }
    }

    /// Whether the frozen weights are float32.
    public var computesInFloat32: Bool {
        sites.norm.allSatisfy { (try? $0.norm.weight.dtype) == .float32 }
    }

    /// Whether the model's own weights are being trained, as full fine-tuning does.
    public var isTrained: Bool {
        sites.norm.contains { $0.norm.weight.requiresGradient }
    }
}

extension RaggedLayout {
    /// Keeps the tokens that are wanted.
    ///
    /// - Parameters:
    ///   - wanted: Which.
    ///   - own: Where the batch's own tokens lie, if an adapter added others.
    /// - Returns: The kept tokens; `nil` for all.
    /// - Throws: `TorchError` if memory runs out.
    package func keeping(
        _ wanted: WantedTokens,
        own: Tensor? = nil
    ) throws(TorchError) -> KeptTokens? {
        switch wanted {
        case .all, .allWithLayers, .allWithAdded:
            return nil
        case .first:
            return try keepingFirstTokens()
        case .last:
            return try keepingLastTokens()
        case .chosen(let places):
            guard let own else { return try keeping(tokens: places) }
            let ownPlaces: [Int64] = try own.moved(to: .cpu).values()
            return try keeping(tokens: places.map { ownPlaces[Int($0)] })
        }
    }
}

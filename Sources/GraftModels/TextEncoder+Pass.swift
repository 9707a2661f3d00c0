public import GraftLayers
public import GraftTorch

/// Hidden states below everything that acts: a pure function of the row.
public struct Trunk: Sendable {
    /// The hidden states: [tokens, hidden].
    public let hidden: Tensor
    /// How they lie: the batch's layout, or that of the rows' first tokens.
    public let layout: RaggedLayout

    /// Wraps states that ``TextEncoder/trunk(_:in:wanted:)`` computed.
    public init(hidden: Tensor, layout: RaggedLayout) {
        self.hidden = hidden
        self.layout = layout
    }
}

extension TextEncoder {
    /// Computes hidden states.
    ///
    /// The blocks below everything that acts are the *trunk*. Nothing in it learns, so it records
    /// nothing and drops nothing: its states are a pure function of the row, which may be computed
    /// once and given back as `trunk`.
    ///
    /// - Parameters:
    ///   - batch: Rows of tokens.
    ///   - context: What acts at the sites; its layout is that of `batch`.
    ///   - wanted: Which tokens' last hidden states are needed.
    ///   - trunk: The trunk's states for these rows, with the same adapters and `wanted`.
    /// - Returns: The hidden states that are wanted.
    /// - Throws: `TorchError`, of kind `invalidArgument` if a row is longer than the model's
    ///   positions.
    public func callAsFunction(
        _ batch: TokenBatch,
        in context: ForwardContext,
        wanted: WantedTokens,
        trunk: Trunk? = nil
    ) throws(TorchError) -> EncoderOutput {
        let given = context.layout
        var context = context
        var (hidden, first): (Tensor, Int)
        var layers: [Tensor] = []
        let depth = wanted == .allWithLayers ? 0 : trunkDepth(below: context.adapters)
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
        try run(first..<shape.layerCount, &hidden, in: &context, wanted: wanted) {
            if wanted == .allWithLayers { layers.append($0) }
        }
        if wanted == .first, context.layout.tokenCount != context.layout.rowCount {
            hidden = try context.layout.firstTokens(of: hidden)
            context.layout = try context.layout.keepingFirstTokens()
        }
        let (last, layout) = (hidden, context.layout)
        @Sendable func firstTokens() throws(TorchError) -> Tensor {
            try layout.firstTokens(of: last)
        }
        // Nobody above knows of tokens that an adapter added.
        let own = wanted == .first ? nil : context.ownTokens
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
        isTrained ? 0 : adapters.trunkDepth(of: shape.layerCount)
    }

    /// Computes the hidden states above which something acts.
    ///
    /// - Parameters:
    ///   - batch: Rows of tokens.
    ///   - context: What acts at the sites.
    ///   - wanted: Which tokens are needed in the end.
    /// - Returns: The states of every token; of first tokens alone if nothing acts at all and no
    ///   others are wanted.
    /// - Throws: As a whole pass.
    public func trunk(
        _ batch: TokenBatch,
        in context: ForwardContext,
        wanted: WantedTokens
    ) throws(TorchError) -> Trunk {
        try withoutGradients { () throws(TorchError) in
            var context = context
            context.dropoutSeed = nil
            var hidden = try embedded(batch, in: &context)
            let depth = trunkDepth(below: context.adapters)
            try run(0..<depth, &hidden, in: &context, wanted: wanted) { _ in }
            return Trunk(hidden: hidden, layout: context.layout)
        }
    }

    /// Runs some blocks, the last block of all for first tokens only if no others are wanted.
    private func run(
        _ blocks: Range<Int>,
        _ hidden: inout Tensor,
        in context: inout ForwardContext,
        wanted: WantedTokens,
        _ onLayer: (Tensor) -> Void
    ) throws(TorchError) {
        onLayer(hidden)
        for index in blocks {
            let isLast = index == shape.layerCount - 1
            hidden = try block(
                index,
                hidden,
                in: &context,
                keepingFirstTokens: wanted == .first && isLast && context.isTokenwise(layer: index)
            )
            onLayer(hidden)
        }
    }

    /// Whether the frozen weights are float32.
    public var computesInFloat32: Bool {
        sites.norm.allSatisfy { (try? $0.norm.weight.dtype) == .float32 }
    }

    /// Whether the model's own weights are being trained, as full fine-tuning does.
    private var isTrained: Bool {
        sites.norm.contains { $0.norm.weight.requiresGradient }
    }
}

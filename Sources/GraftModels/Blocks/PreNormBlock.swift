internal import GraftLayers
internal import GraftTorch

/// A pre-LN block: `x + attention(norm(x))`, then `x + feedForward(norm(x))`.
///
/// Vision transformers, both towers of CLIP and GPT-2 are made of it. Checkpoints of the former differ in ``Names`` alone;
/// GPT-2 stores its projections in another way.
struct PreNormBlock: Sendable {
    /// What a checkpoint calls the parts of a block.
    struct Names: Sendable {
        let query, key, value, attentionOutput, up, down: [String]
        let attentionNorm, feedForwardNorm: String
    }

    /// Sizes and probabilities.
    struct Settings: Sendable {
        var hiddenSize: Int
        var innerSize: Int
        var headCount: Int
        var layerCount: Int
        var activation: Activation
        var normEpsilon: Double
        var hasQueryBias = true
        var isCausal = false
        var hiddenDropout = 0.0
        var attentionDropout = 0.0
    }

    /// What a block has of its own.
    struct Parts: Sendable {
        let query, key, value, attentionOutput, up, down: Linear
        let attentionNorm, feedForwardNorm: LayerNorm
    }

    private let parts: Parts
    private let attention: AttentionShape
    private let activation: Activation
    private let dropout: Double
    private let tower: Site.Tower
    private let layer: Int
    private let layerCount: Int

    /// Puts a block together.
    ///
    /// - Parameters:
    ///   - parts: Its projections and norms.
    ///   - attention: What is fixed about its attention.
    ///   - activation: The function between `up` and `down`.
    ///   - dropout: The probability with which outputs of sub-layers are dropped.
    ///   - tower: Where it is.
    ///   - layer: Which block of the tower, counted from 0.
    ///   - layerCount: The tower's blocks.
    init(
        _ parts: Parts,
        attention: AttentionShape,
        activation: Activation,
        dropout: Double,
        _ tower: Site.Tower,
        layer: Int,
        of layerCount: Int
    ) {
        self.parts = parts
        self.attention = attention
        self.activation = activation
        self.dropout = dropout
        self.tower = tower
        self.layer = layer
        self.layerCount = layerCount
    }

    init(
        _ settings: Settings,
        _ names: Names,
        _ tower: Site.Tower,
        layer: Int,
        _ scope: ParameterScope
    ) throws {
        let (hidden, inner) = (settings.hiddenSize, settings.innerSize)
        func linear(_ input: Int, _ output: Int, _ path: [String], bias: Bool = true) throws
            -> Linear
        {
            try Linear(input, output, bias: bias, path.reduce(scope) { $0 / $1 })
        }
        func norm(_ name: String) throws -> LayerNorm {
            try LayerNorm(hidden, epsilon: settings.normEpsilon, scope / name)
        }
        self.init(
            Parts(
                query: try linear(hidden, hidden, names.query, bias: settings.hasQueryBias),
                key: try linear(hidden, hidden, names.key, bias: settings.hasQueryBias),
                value: try linear(hidden, hidden, names.value, bias: settings.hasQueryBias),
                attentionOutput: try linear(hidden, hidden, names.attentionOutput),
                up: try linear(hidden, inner, names.up),
                down: try linear(inner, hidden, names.down),
                attentionNorm: try norm(names.attentionNorm),
                feedForwardNorm: try norm(names.feedForwardNorm)
            ),
            attention: AttentionShape(
                heads: settings.headCount,
                headSize: hidden / settings.headCount,
                isCausal: settings.isCausal,
                dropout: settings.attentionDropout
            ),
            activation: settings.activation,
            dropout: settings.hiddenDropout,
            tower,
            layer: layer,
            of: settings.layerCount
        )
    }

    /// Whether rows keep their bits in any batch.
    var keepsRows: Bool { activation.keepsRows(width: parts.up.weight.outputSize) }

    private func site(_ role: Site.Role) -> Site { Site(tower, layer: layer, role) }

    func publish(in sites: inout SiteMap) {
        let (size, count) = (parts.down.weight.outputSize, layerCount)
        sites.linear += [
            LinearSite(site(.query), parts.query), LinearSite(site(.key), parts.key),
            LinearSite(site(.value), parts.value),
            LinearSite(site(.attentionOutput), parts.attentionOutput),
            LinearSite(site(.up), parts.up), LinearSite(site(.down), parts.down),
        ]
        sites.hidden += [site(.attention), site(.feedForward)].map {
            HiddenSite($0, size: size, layerCount: count, isPostNorm: false)
        }
        sites.norm += [
            NormSite(site(.attentionNorm), parts.attentionNorm),
            NormSite(site(.feedForwardNorm), parts.feedForwardNorm),
        ]
        sites.attention.append(
            AttentionSite(
                site(.selfAttention),
                hiddenSize: size,
                keySize: size,
                layerCount: count
            )
        )
        sites.block.append(BlockSite(site(.block), size: size, layerCount: count))
    }

    // x: [tokens, hidden] -> [tokens, hidden], of the kept tokens alone if there are such
    func callAsFunction(
        _ x: Tensor,
        in context: inout ForwardContext,
        keeping kept: KeptTokens?
    ) throws(TorchError) -> Tensor {
        let attentionNorm = context.normalization(parts.attentionNorm, at: site(.attentionNorm))
        var normed = try attentionNorm(x)
        let key = try context.apply(parts.key, to: normed, at: site(.key))
        let value = try context.apply(parts.value, to: normed, at: site(.value))
        let keyLayout = context.layout
        var x = x
        if let kept {
            x = try kept(x)
            normed = try kept(normed)
            context.layout = kept.layout
        }
        let query = try context.apply(parts.query, to: normed, at: site(.query))
        let mixed = try context.attend(
            query: query,
            key: key,
            value: value,
            keyLayout: keyLayout,
            input: normed,
            attention,
            at: site(.selfAttention)
        )
        let attended = try context.apply(
            parts.attentionOutput,
            to: mixed,
            at: site(.attentionOutput)
        )
        let afterAttention = try context.finish(
            context.dropout(attended, dropout, at: site(.attention)),
            residual: x,
            norm: nil,
            at: site(.attention)
        )
        let innerNorm = context.normalization(parts.feedForwardNorm, at: site(.feedForwardNorm))
        let innerInput = try innerNorm(afterAttention)
        let inner = try activation(context.apply(parts.up, to: innerInput, at: site(.up)))
        let outer = try context.apply(parts.down, to: inner, at: site(.down))
        let afterFeedForward = try context.finish(
            context.dropout(outer, dropout, at: site(.feedForward)),
            residual: afterAttention,
            norm: nil,
            at: site(.feedForward)
        )
        return try context.finishBlock(afterFeedForward, at: site(.block))
    }
}

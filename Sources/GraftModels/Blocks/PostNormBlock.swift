internal import GraftLayers
internal import GraftTorch

/// A post-LN block: self-attention and feed-forward, each followed by a residual addition and a norm.
struct PostNormBlock: Sendable {
    /// Where a family's checkpoints keep the parameters of a block.
    struct Names: Sendable {
        var query = "attention.self.query"
        var key = "attention.self.key"
        var value = "attention.self.value"
        var attentionOutput = "attention.output.dense"
        var attentionNorm = "attention.output.LayerNorm"
        var up = "intermediate.dense"
        var down = "output.dense"
        var feedForwardNorm = "output.LayerNorm"
    }

    let query: Linear
    let key: Linear
    let value: Linear
    let attentionOutput: Linear
    let attentionNorm: LayerNorm
    let up: Linear
    let activation: Activation
    let down: Linear
    let feedForwardNorm: LayerNorm
    let attention: AttentionShape
    let attentionOutputDropout: Double
    let hiddenDropout: Double
    let layer: Int
    let layerCount: Int

    init(
        _ configuration: PostNormConfiguration,
        layer: Int,
        _ names: Names,
        _ scope: ParameterScope
    ) throws {
        let (hidden, inner) = (configuration.hiddenSize, configuration.innerSize)
        let epsilon = configuration.normEpsilon
        query = try Linear(hidden, hidden, scope / names.query)
        key = try Linear(hidden, hidden, scope / names.key)
        value = try Linear(hidden, hidden, scope / names.value)
        attentionOutput = try Linear(hidden, hidden, scope / names.attentionOutput)
        attentionNorm = try LayerNorm(hidden, epsilon: epsilon, scope / names.attentionNorm)
        up = try Linear(hidden, inner, scope / names.up)
        activation = configuration.activation
        down = try Linear(inner, hidden, scope / names.down)
        feedForwardNorm = try LayerNorm(hidden, epsilon: epsilon, scope / names.feedForwardNorm)
        attention = AttentionShape(
            heads: configuration.headCount,
            headSize: hidden / configuration.headCount,
            dropout: configuration.attentionDropout
        )
        hiddenDropout = configuration.hiddenDropout
        attentionOutputDropout = configuration.attentionOutputDropout ?? hiddenDropout
        self.layer = layer
        layerCount = configuration.layerCount
    }

    func site(_ role: Site.Role) -> Site { Site(.encoder, layer: layer, role) }

    func publish(in sites: inout SiteMap) {
        sites.linear += [
            LinearSite(site(.query), query), LinearSite(site(.key), key),
            LinearSite(site(.value), value),
            LinearSite(site(.attentionOutput), attentionOutput),
            LinearSite(site(.up), up), LinearSite(site(.down), down),
        ]
        let size = down.weight.outputSize
        sites.hidden += [site(.attention), site(.feedForward)].map {
            HiddenSite($0, size: size, layerCount: layerCount, isPostNorm: true)
        }
        sites.norm += [
            NormSite(site(.attentionNorm), attentionNorm),
            NormSite(site(.feedForwardNorm), feedForwardNorm),
        ]
        sites.attention.append(
            AttentionSite(
                site(.selfAttention),
                hiddenSize: size,
                keySize: key.weight.outputSize,
                layerCount: layerCount
            )
        )
        sites.block.append(BlockSite(site(.block), size: size, layerCount: layerCount))
    }

    /// Whether a row's hidden states have the same bits in every batch, given products that have.
    var keepsRows: Bool { activation.keepsRows(width: up.weight.outputSize) }

    // x: [tokens, hidden] -> [tokens, hidden], of the kept tokens alone if there are such
    func callAsFunction(
        _ x: Tensor,
        in context: inout ForwardContext,
        keeping kept: KeptTokens?
    ) throws(TorchError) -> Tensor {
        let key = try context.apply(key, to: x, at: site(.key))
        let value = try context.apply(value, to: x, at: site(.value))
        let keyLayout = context.layout
        var x = x
        if let kept {
            x = try kept(x)
            context.layout = kept.layout
        }
        let query = try context.apply(query, to: x, at: site(.query))
        let mixed = try context.attend(
            query: query,
            key: key,
            value: value,
            keyLayout: keyLayout,
            input: x,
            attention,
            at: site(.selfAttention)
        )
        let attended = try context.apply(attentionOutput, to: mixed, at: site(.attentionOutput))
        let afterAttention = try context.finish(
            context.dropout(attended, attentionOutputDropout, at: site(.attention)),
            residual: x,
            norm: context.normalization(attentionNorm, at: site(.attentionNorm)),
            at: site(.attention)
        )
        let inner = try activation(context.apply(up, to: afterAttention, at: site(.up)))
        let outer = try context.apply(down, to: inner, at: site(.down))
        let afterFeedForward = try context.finish(
            context.dropout(outer, hiddenDropout, at: site(.feedForward)),
            residual: afterAttention,
            norm: context.normalization(feedForwardNorm, at: site(.feedForwardNorm)),
            at: site(.feedForward)
        )
        return try context.finishBlock(afterFeedForward, at: site(.block))
    }
}

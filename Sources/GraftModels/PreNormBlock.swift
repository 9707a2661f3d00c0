internal import GraftLayers
internal import GraftTorch

/// A pre-LN block: `x + attention(norm(x))`, then `x + feedForward(norm(x))`.
///
/// Vision transformers and both towers of CLIP are made of it; their checkpoints differ in names alone.
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

    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let attentionOutput: Linear
    private let attentionNorm: LayerNorm
    private let up: Linear
    private let down: Linear
    private let feedForwardNorm: LayerNorm
    private let attention: AttentionShape
    private let settings: Settings
    private let tower: Site.Tower
    private let layer: Int

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
        query = try linear(hidden, hidden, names.query, bias: settings.hasQueryBias)
        key = try linear(hidden, hidden, names.key, bias: settings.hasQueryBias)
        value = try linear(hidden, hidden, names.value, bias: settings.hasQueryBias)
        attentionOutput = try linear(hidden, hidden, names.attentionOutput)
        attentionNorm = try norm(names.attentionNorm)
        up = try linear(hidden, inner, names.up)
        down = try linear(inner, hidden, names.down)
        feedForwardNorm = try norm(names.feedForwardNorm)
        attention = AttentionShape(
            heads: settings.headCount,
            headSize: hidden / settings.headCount,
            isCausal: settings.isCausal,
            dropout: settings.attentionDropout
        )
        self.settings = settings
        self.tower = tower
        self.layer = layer
    }

    /// Whether rows keep their bits in any batch.
    var keepsRows: Bool { settings.activation.keepsRows(width: settings.innerSize) }

    private func site(_ role: Site.Role) -> Site { Site(tower, layer: layer, role) }

    func publish(in sites: inout SiteMap) {
        let (size, count) = (settings.hiddenSize, settings.layerCount)
        sites.linear += [
            LinearSite(site(.query), query), LinearSite(site(.key), key),
            LinearSite(site(.value), value), LinearSite(site(.attentionOutput), attentionOutput),
            LinearSite(site(.up), up), LinearSite(site(.down), down),
        ]
        sites.hidden += [site(.attention), site(.feedForward)].map {
            HiddenSite($0, size: size, layerCount: count, isPostNorm: false)
        }
        sites.norm += [
            NormSite(site(.attentionNorm), attentionNorm),
            NormSite(site(.feedForwardNorm), feedForwardNorm),
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
        let attentionNorm = context.normalization(attentionNorm, at: site(.attentionNorm))
        var normed = try attentionNorm(x)
        let key = try context.apply(key, to: normed, at: site(.key))
        let value = try context.apply(value, to: normed, at: site(.value))
        let keyLayout = context.layout
        var x = x
        if let kept {
            x = try kept(x)
            normed = try kept(normed)
            context.layout = kept.layout
        }
        let query = try context.apply(query, to: normed, at: site(.query))
        let mixed = try context.attend(
            query: query,
            key: key,
            value: value,
            keyLayout: keyLayout,
            input: normed,
            attention,
            at: site(.selfAttention)
        )
        let attended = try context.apply(attentionOutput, to: mixed, at: site(.attentionOutput))
        let afterAttention = try context.finish(
            context.dropout(attended, settings.hiddenDropout, at: site(.attention)),
            residual: x,
            norm: nil,
            at: site(.attention)
        )
        let innerNorm = context.normalization(feedForwardNorm, at: site(.feedForwardNorm))
        let innerInput = try innerNorm(afterAttention)
        let inner = try settings.activation(context.apply(up, to: innerInput, at: site(.up)))
        let outer = try context.apply(down, to: inner, at: site(.down))
        let afterFeedForward = try context.finish(
            context.dropout(outer, settings.hiddenDropout, at: site(.feedForward)),
            residual: afterAttention,
            norm: nil,
            at: site(.feedForward)
        )
        return try context.finishBlock(afterFeedForward, at: site(.block))
    }
}

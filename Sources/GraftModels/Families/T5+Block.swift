internal import GraftLayers
internal import GraftTorch

extension T5 {
    /// Self-attention, in the decoder attention across to the encoder, and a feed-forward, gated or not.
    struct Block: Sendable {
        private let selfAttention: Attention
        private let crossAttention: Attention?
        private let norm: RMSNorm
        private let gate: Linear?
        private let up: Linear
        private let down: Linear
        private let activation: Activation
        private let dropout: Double
        private let tower: Site.Tower
        private let layer: Int

        init(
            _ configuration: Configuration,
            _ tower: Site.Tower,
            layer: Int,
            _ scope: ParameterScope
        ) throws {
            let (hidden, inner) = (configuration.hiddenSize, configuration.innerSize)
            let isDecoder = tower == .decoder
            let parts = scope / "layer"
            selfAttention = try Attention(
                configuration,
                Attention.Sites(tower, layer: layer, isCross: false),
                isCausal: isDecoder,
                projections: parts / 0 / "SelfAttention",
                norm: parts / 0 / "layer_norm"
            )
            crossAttention =
                isDecoder
                ? try Attention(
                    configuration,
                    Attention.Sites(tower, layer: layer, isCross: true),
                    isCausal: false,
                    projections: parts / 1 / "EncDecAttention",
                    norm: parts / 1 / "layer_norm"
                ) : nil
            let last = parts / (isDecoder ? 2 : 1)
            let dense = last / "DenseReluDense"
            norm = try RMSNorm(hidden, epsilon: configuration.normEpsilon, last / "layer_norm")
            let isGated = configuration.isGated
            gate = isGated ? try Linear(hidden, inner, bias: false, dense / "wi_0") : nil
            up = try Linear(hidden, inner, bias: false, dense / (isGated ? "wi_1" : "wi"))
            down = try Linear(inner, hidden, bias: false, dense / "wo")
            activation = configuration.activation
            dropout = configuration.dropout
            self.tower = tower
            self.layer = layer
        }

        /// Whether rows keep their bits in any batch.
        var keepsRows: Bool { activation.keepsRows(width: up.weight.outputSize) }

        private func site(_ role: Site.Role) -> Site { Site(tower, layer: layer, role) }

        func publish(in sites: inout SiteMap, layerCount: Int) {
            selfAttention.publish(in: &sites, layerCount: layerCount)
            crossAttention?.publish(in: &sites, layerCount: layerCount)
            if let gate { sites.linear.append(LinearSite(site(.gate), gate)) }
            sites.linear += [LinearSite(site(.up), up), LinearSite(site(.down), down)]
            let size = down.weight.outputSize
            sites.hidden.append(
                HiddenSite(
                    site(.feedForward),
                    size: size,
                    layerCount: layerCount,
                    isPostNorm: false
                )
            )
            sites.norm.append(NormSite(site(.feedForwardNorm), norm))
            sites.block.append(BlockSite(site(.block), size: size, layerCount: layerCount))
        }

        // x: [tokens, hidden] -> [tokens, hidden], of the kept tokens alone if there are such
        func callAsFunction(
            _ x: Tensor,
            bias: RelativeBias,
            across encoded: EncoderOutput?,
            in context: inout ForwardContext,
            keeping kept: KeptTokens?
        ) throws(TorchError) -> Tensor {
            var x = try selfAttention(x, bias: bias, in: &context, keeping: kept)
            if let crossAttention { x = try crossAttention(x, across: encoded, in: context) }
            let norm = context.normalization(norm, at: site(.feedForwardNorm))
            let input = try norm(x)
            var inner = try context.apply(up, to: input, at: site(.up))
            if let gate {
                inner = try activation(context.apply(gate, to: input, at: site(.gate))) * inner
            } else {
                inner = try activation(inner)
            }
            inner = try context.dropout(inner, dropout, at: site(.down))
            let outer = try context.apply(down, to: inner, at: site(.down))
            let output = try context.finish(
                context.dropout(outer, dropout, at: site(.feedForward)),
                residual: x,
                norm: nil,
                at: site(.feedForward)
            )
            return try context.finishBlock(output, at: site(.block))
        }
    }
}

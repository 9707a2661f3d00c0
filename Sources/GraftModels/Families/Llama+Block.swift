internal import GraftLayers
internal import GraftTorch

extension Llama {
    /// Self-attention and a gated feed-forward, each behind a norm and before a residual addition.
    struct Block: Sendable {
        let attentionNorm: RMSNorm
        let query: Linear
        let key: Linear
        let value: Linear
        let attentionOutput: Linear
        let feedForwardNorm: RMSNorm
        let gate: Linear
        let up: Linear
        let down: Linear
        let activation: Activation
        let attention: AttentionShape
        let frequencies: [Float]
        let layer: Int
        let layerCount: Int

        init(_ configuration: Configuration, layer: Int, _ scope: ParameterScope) throws {
            let (hidden, inner) = (configuration.hiddenSize, configuration.innerSize)
            let queries = configuration.headCount * configuration.headSize
            let keys = configuration.keyHeadCount * configuration.headSize
            let (attention, mlp) = (scope / "self_attn", scope / "mlp")
            func norm(_ name: String) throws -> RMSNorm {
                try RMSNorm(hidden, epsilon: configuration.normEpsilon, scope / name)
            }
            attentionNorm = try norm("input_layernorm")
            let hasBias = configuration.hasInputBias
            query = try Linear(hidden, queries, bias: hasBias, attention / "q_proj")
            key = try Linear(hidden, keys, bias: hasBias, attention / "k_proj")
            value = try Linear(hidden, keys, bias: hasBias, attention / "v_proj")
            attentionOutput = try Linear(
                queries,
                hidden,
                bias: configuration.hasOutputBias,
                attention / "o_proj"
            )
            feedForwardNorm = try norm("post_attention_layernorm")
            let hasInnerBias = configuration.hasFeedForwardBias
            gate = try Linear(hidden, inner, bias: hasInnerBias, mlp / "gate_proj")
            up = try Linear(hidden, inner, bias: hasInnerBias, mlp / "up_proj")
            down = try Linear(inner, hidden, bias: hasInnerBias, mlp / "down_proj")
            activation = configuration.activation
            self.attention = AttentionShape(
                heads: configuration.headCount,
                keyHeads: configuration.keyHeadCount,
                headSize: configuration.headSize,
                isCausal: true,
                window: configuration.windows[layer],
                dropout: configuration.attentionDropout
            )
            frequencies = configuration.frequencies
            self.layer = layer
            layerCount = configuration.layerCount
        }

        func site(_ role: Site.Role) -> Site { Site(.decoder, layer: layer, role) }

        func publish(in sites: inout SiteMap) {
            sites.linear += [
                LinearSite(site(.query), query), LinearSite(site(.key), key),
                LinearSite(site(.value), value),
                LinearSite(site(.attentionOutput), attentionOutput),
                LinearSite(site(.gate), gate), LinearSite(site(.up), up),
                LinearSite(site(.down), down),
            ]
            let size = down.weight.outputSize
            sites.hidden += [site(.attention), site(.feedForward)].map {
                HiddenSite($0, size: size, layerCount: layerCount, isPostNorm: false)
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

        // x: [tokens, hidden] -> [tokens, hidden], of the kept tokens alone if there are such
        func callAsFunction(
            _ x: Tensor,
            in context: inout ForwardContext,
            keeping kept: KeptTokens?
        ) throws(TorchError) -> Tensor {
            let angles = try context.rotaryTable(frequencies, device: x.device)
            let norm = context.normalization(attentionNorm, at: site(.attentionNorm))
            var normed = try norm(x)
            let key = try angles(
                context.apply(key, to: normed, at: site(.key)),
                heads: attention.keyHeads
            )
            let value = try context.apply(value, to: normed, at: site(.value))
            let keyLayout = context.layout
            var x = x
            if let kept {
                (x, normed) = (try kept(x), try kept(normed))
                context.layout = kept.layout
            }
            let query = try angles.keeping(kept)(
                context.apply(query, to: normed, at: site(.query)),
                heads: attention.heads
            )
            let mixed = try context.attend(
                query: query,
                key: key,
                value: value,
                keyLayout: keyLayout,
                input: normed,
                attention,
                at: site(.selfAttention)
            )
            let attended = try context.finish(
                context.apply(attentionOutput, to: mixed, at: site(.attentionOutput)),
                residual: x,
                norm: nil,
                at: site(.attention)
            )
            let innerNorm = context.normalization(feedForwardNorm, at: site(.feedForwardNorm))
            let input = try innerNorm(attended)
            let gated = try activation(context.apply(gate, to: input, at: site(.gate)))
            let inner = try gated * context.apply(up, to: input, at: site(.up))
            let output = try context.finish(
                context.apply(down, to: inner, at: site(.down)),
                residual: attended,
                norm: nil,
                at: site(.feedForward)
            )
            return try context.finishBlock(output, at: site(.block))
        }
    }
}

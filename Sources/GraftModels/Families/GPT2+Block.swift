internal import GraftLayers
internal import GraftTorch

extension GPT2 {
    /// Self-attention and a feed-forward, each behind a norm and before a residual addition.
    struct Block: Sendable {
        let attentionNorm: LayerNorm
        let query: Linear
        let key: Linear
        let value: Linear
        let attentionOutput: Linear
        let feedForwardNorm: LayerNorm
        let up: Linear
        let down: Linear
        let activation: Activation
        let attention: AttentionShape
        let dropout: Double
        let layer: Int
        let layerCount: Int

        init(_ configuration: Configuration, layer: Int, _ scope: ParameterScope) throws {
            let (hidden, inner) = (configuration.hiddenSize, configuration.innerSize)
            let epsilon = configuration.normEpsilon
            attentionNorm = try LayerNorm(hidden, epsilon: epsilon, scope / "ln_1")
            let inputs = try Linear.transposed(
                hidden,
                into: [hidden, hidden, hidden],
                scope / "attn" / "c_attn"
            )
            (query, key, value) = (inputs[0], inputs[1], inputs[2])
            attentionOutput = try Linear.transposed(
                hidden,
                into: [hidden],
                scope / "attn" / "c_proj"
            )[0]
            feedForwardNorm = try LayerNorm(hidden, epsilon: epsilon, scope / "ln_2")
            up = try Linear.transposed(hidden, into: [inner], scope / "mlp" / "c_fc")[0]
            down = try Linear.transposed(inner, into: [hidden], scope / "mlp" / "c_proj")[0]
            activation = configuration.activation
            attention = AttentionShape(
                heads: configuration.headCount,
                headSize: hidden / configuration.headCount,
                scale: configuration.scales[layer],
                isCausal: true,
                dropout: configuration.attentionDropout
            )
            dropout = configuration.residualDropout
            self.layer = layer
            layerCount = configuration.layerCount
        }

        func site(_ role: Site.Role) -> Site { Site(.decoder, layer: layer, role) }

        func publish(in sites: inout SiteMap) {
            sites.linear += [
                LinearSite(site(.query), query), LinearSite(site(.key), key),
                LinearSite(site(.value), value),
                LinearSite(site(.attentionOutput), attentionOutput),
                LinearSite(site(.up), up), LinearSite(site(.down), down),
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
            let norm = context.normalization(attentionNorm, at: site(.attentionNorm))
            var normed = try norm(x)
            let key = try context.apply(key, to: normed, at: site(.key))
            let value = try context.apply(value, to: normed, at: site(.value))
            let keyLayout = context.layout
            var x = x
            if let kept {
                (x, normed) = (try kept(x), try kept(normed))
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
                context.dropout(attended, dropout, at: site(.attention)),
                residual: x,
                norm: nil,
                at: site(.attention)
            )
            let innerNorm = context.normalization(feedForwardNorm, at: site(.feedForwardNorm))
            let input = try innerNorm(afterAttention)
            let inner = try activation(context.apply(up, to: input, at: site(.up)))
            let outer = try context.apply(down, to: inner, at: site(.down))
            let output = try context.finish(
                context.dropout(outer, dropout, at: site(.feedForward)),
                residual: afterAttention,
                norm: nil,
                at: site(.feedForward)
            )
            return try context.finishBlock(output, at: site(.block))
        }
    }
}

extension Linear {
    /// Asks `scope` for a `weight` that is stored as [input, output], and for its `bias`, as the
    /// `Conv1D` of `transformers` does, and views parts of it as projections.
    ///
    /// - Parameters:
    ///   - input: The width of what they read.
    ///   - outputs: The widths of what each of them computes, in the order of the columns.
    ///   - scope: Where the parameters are.
    /// - Returns: A projection for each of `outputs`.
    /// - Throws: What the scope throws.
    fileprivate static func transposed(
        _ input: Int,
        into outputs: [Int],
        _ scope: ParameterScope
    ) throws -> [Linear] {
        let width = outputs.reduce(0, +)
        let weight = try scope.parameter("weight", shape: [input, width]).transposed(0, 1)
        let bias = try scope.parameter("bias", shape: [width])
        guard outputs.count > 1 else {
            return [Linear(weight: DenseWeight(weight), bias: bias)]
        }
        var start = 0
        return try outputs.map { output in
            defer { start += output }
            let part = start..<start + output
            return Linear(
                weight: DenseWeight(try weight.narrowed(part)),
                bias: try bias.narrowed(part)
            )
        }
    }
}

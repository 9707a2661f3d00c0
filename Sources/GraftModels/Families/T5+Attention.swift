internal import GraftLayers
internal import GraftTorch

extension T5 {
    /// Attention behind a norm and before a residual addition: to the tokens of a row itself, or across to those
    /// of the encoder.
    struct Attention: Sendable {
        /// The places of an attention.
        struct Sites: Sendable {
            let query, key, value, output, hidden, norm, attention: Site

            init(_ tower: Site.Tower, layer: Int, isCross: Bool) {
                func site(_ own: Site.Role, _ cross: Site.Role) -> Site {
                    Site(tower, layer: layer, isCross ? cross : own)
                }
                query = site(.query, .crossQuery)
                key = site(.key, .crossKey)
                value = site(.value, .crossValue)
                output = site(.attentionOutput, .crossOutput)
                hidden = site(.attention, .cross)
                norm = site(.attentionNorm, .crossNorm)
                attention = site(.selfAttention, .crossAttention)
            }
        }

        let sites: Sites
        private let norm: RMSNorm
        private let query: Linear
        private let key: Linear
        private let value: Linear
        private let output: Linear
        private let shape: AttentionShape
        private let dropout: Double

        init(
            _ configuration: Configuration,
            _ sites: Sites,
            isCausal: Bool,
            projections: ParameterScope,
            norm: ParameterScope
        ) throws {
            let hidden = configuration.hiddenSize
            let inner = configuration.headCount * configuration.headSize
            self.sites = sites
            self.norm = try RMSNorm(hidden, epsilon: configuration.normEpsilon, norm)
            query = try Linear(hidden, inner, bias: false, projections / "q")
            key = try Linear(hidden, inner, bias: false, projections / "k")
            value = try Linear(hidden, inner, bias: false, projections / "v")
            output = try Linear(inner, hidden, bias: false, projections / "o")
            // Scores are not scaled: the start values of the queries' projection were.
            shape = AttentionShape(
                heads: configuration.headCount,
                headSize: configuration.headSize,
                scale: 1,
                isCausal: isCausal,
                dropout: configuration.dropout
            )
            dropout = configuration.dropout
        }

        func publish(in map: inout SiteMap, layerCount: Int) {
            map.linear += [
                LinearSite(sites.query, query), LinearSite(sites.key, key),
                LinearSite(sites.value, value), LinearSite(sites.output, output),
            ]
            let size = output.weight.outputSize
            map.hidden.append(
                HiddenSite(sites.hidden, size: size, layerCount: layerCount, isPostNorm: false)
            )
            map.norm.append(NormSite(sites.norm, norm))
            map.attention.append(
                AttentionSite(
                    sites.attention,
                    hiddenSize: size,
                    keySize: key.weight.outputSize,
                    layerCount: layerCount
                )
            )
        }

        // x: [tokens, hidden] -> [tokens, hidden], of the kept tokens alone if there are such
        func callAsFunction(
            _ x: Tensor,
            bias: RelativeBias,
            in context: inout ForwardContext,
            keeping kept: KeptTokens?
        ) throws(TorchError) -> Tensor {
            let norm = context.normalization(norm, at: sites.norm)
            var normed = try norm(x)
            let key = try context.apply(key, to: normed, at: sites.key)
            let value = try context.apply(value, to: normed, at: sites.value)
            let keyLayout = context.layout
            var x = x
            if let kept {
                (x, normed) = (try kept(x), try kept(normed))
                context.layout = kept.layout
            }
            let mixed = try context.attend(
                query: context.apply(query, to: normed, at: sites.query),
                key: key,
                value: value,
                keyLayout: keyLayout,
                input: normed,
                shape,
                bias: bias,
                at: sites.attention
            )
            return try finished(mixed, residual: x, in: context)
        }

        // x: [tokens, hidden] -> [tokens, hidden]
        func callAsFunction(
            _ x: Tensor,
            across encoded: EncoderOutput?,
            in context: ForwardContext
        ) throws(TorchError) -> Tensor {
            let norm = context.normalization(norm, at: sites.norm)
            let normed = try norm(x)
            func keys() throws(TorchError) -> KeyPrefix {
                guard let encoded else {
                    throw TorchError(
                        kind: .invalidArgument,
                        operation: "cross-attention",
                        message: "the cache has no keys of the source"
                    )
                }
                var source = context
                source.layout = encoded.layout
                return KeyPrefix(
                    key: try source.apply(key, to: encoded.hidden, at: sites.key),
                    value: try source.apply(value, to: encoded.hidden, at: sites.value),
                    offsets: encoded.layout.offsets
                )
            }
            let own =
                if let cache = context.cache {
                    try cache.constant(at: sites.attention, keys)
                } else {
                    try keys()
                }
            let mixed = try context.attend(
                query: context.apply(query, to: normed, at: sites.query),
                to: own,
                input: normed,
                shape,
                at: sites.attention
            )
            return try finished(mixed, residual: x, in: context)
        }

        private func finished(
            _ mixed: Tensor,
            residual: Tensor,
            in context: ForwardContext
        ) throws(TorchError) -> Tensor {
            let attended = try context.apply(output, to: mixed, at: sites.output)
            return try context.finish(
                context.dropout(attended, dropout, at: sites.hidden),
                residual: residual,
                norm: nil,
                at: sites.hidden
            )
        }
    }
}

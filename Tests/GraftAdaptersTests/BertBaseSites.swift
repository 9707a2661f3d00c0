import GraftAdapters
import GraftLayers
import GraftTorch

/// The sites of BERT-base, 12 layers of 768, which share their frozen zeros.
enum BertBaseSites {
    static func all() throws -> SiteMap {
        var sites = SiteMap()
        let words = try Tensor(zeros: [2, 768])
        sites.embedding = [
            EmbeddingSite(Site(.encoder, layer: nil, .embeddings), words: words, size: 768)
        ]
        func linear(_ input: Int, _ output: Int) throws -> Linear {
            let scope = ParameterScope(FreshParameters(seed: 0))
            return try Linear(input, output, scope, weightStart: .zeros, biasStart: .zeros)
        }
        let (square, up, down) = (
            try linear(768, 768), try linear(768, 3072), try linear(3072, 768)
        )
        for layer in 0..<12 {
            for (role, linear) in [
                (Site.Role.query, square), (.key, square), (.value, square),
                (.attentionOutput, square), (.up, up), (.down, down),
            ] {
                sites.linear.append(LinearSite(Site(.encoder, layer: layer, role), linear))
            }
            sites.attention.append(
                AttentionSite(
                    Site(.encoder, layer: layer, .selfAttention),
                    hiddenSize: 768,
                    keySize: 768,
                    layerCount: 12
                )
            )
            sites.hidden += [Site.Role.attention, .feedForward].map {
                HiddenSite(
                    Site(.encoder, layer: layer, $0),
                    size: 768,
                    layerCount: 12,
                    isPostNorm: true
                )
            }
            sites.block.append(
                BlockSite(Site(.encoder, layer: layer, .block), size: 768, layerCount: 12)
            )
        }
        return sites
    }

    /// The parameters of a method at these sites.
    static func parameters(
        _ expression: String,
        seed: UInt64 = 1
    ) throws -> [(name: String, value: Tensor)] {
        let fresh = FreshParameters(seed: seed)
        let method = try AdapterRegistry.builtin.method(named: expression)
        _ = try method.attached(to: all(), ParameterScope(fresh))
        return fresh.parameters
    }
}

import GraftAdapters
import GraftLayers
import GraftTorch

/// The sites of BERT-base, 12 layers of 768, at the cost of one projection: those of attention's
/// inputs, sub-layers, blocks and embeddings.
enum BertBaseSites {
    static func all() throws -> SiteMap {
        var sites = SiteMap()
        let words = try Tensor(zeros: [2, 768])
        sites.embedding = [
            EmbeddingSite(Site(.encoder, layer: nil, .embeddings), words: words, size: 768)
        ]
        let scope = ParameterScope(FreshParameters(seed: 0))
        let projection = try Linear(768, 768, scope, weightStart: .zeros, biasStart: .zeros)
        for layer in 0..<12 {
            sites.linear += [Site.Role.query, .key, .value].map {
                LinearSite(Site(.encoder, layer: layer, $0), projection)
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

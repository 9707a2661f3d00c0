internal import GraftLayers
internal import GraftModels
internal import GraftTorch
internal import Synchronization

/// How much a fusion listens to each of the adapters that it fuses, at each site where it acts.
public struct FusionWeights: Codable, Sendable, Equatable {
    /// The mean attention weight of each adapter at one site; they sum to 1.
    public struct Site: Codable, Sendable, Equatable {
        /// The site's path: `encoder.3.feed_forward`.
        public var name: String
        /// A weight for each adapter.
        public var weights: [Double]

        /// Describes one site.
        public init(name: String, weights: [Double]) {
            self.name = name
            self.weights = weights
        }
    }

    /// What is fused.
    public var adapters: [String]
    /// The sites in the order of the forward pass.
    public var sites: [Site]

    /// Gathers weights.
    public init(adapters: [String], sites: [Site]) {
        self.adapters = adapters
        self.sites = sites
    }
}

extension AdaptedModel {
    /// The mean attention weights of a fusion over all tokens of rows.
    ///
    /// - Parameters:
    ///   - data: The rows.
    ///   - adapters: The names of what is fused.
    ///   - workers: How many parts are computed at once.
    /// - Returns: Weights for each site at which a fusion acts; none if there is no fusion.
    /// - Throws: `TorchError` if a row is too long for the model or memory runs out.
    public func fusionWeights(
        _ data: EncodedRows,
        adapters: [String],
        workers: Workers = Workers()
    ) throws -> FusionWeights {
        let workers = device == .cpu ? workers : Workers(1)
        let parts = data.parts(partLength: Workers.partLength, for: workers)
        let sums = try workers.map(parts.count) { index in
            try withoutGradients { () throws in
                let batch = try data.batch(parts[index], device: device)
                let observed = Mutex<[(site: Site, weights: Tensor)]>([])
                var context = ForwardContext(layout: batch.layout, adapters: self.adapters)
                context.observe = { site, weights in
                    observed.withLock { $0.append((site, weights)) }
                }
                _ = try encoder(batch, in: context, wanted: .all)
                return try observed.withLock(\.self).map { site, weights in
                    let sums: [Float] = try weights.sum(along: 0).values()
                    return (site: site, tokens: weights.size(0), sums: sums.map(Double.init))
                }
            }
        }
        // Every part passes the sites in the same order.
        let sites = (sums.first ?? []).enumerated().map { place, first in
            let tokens = sums.reduce(0) { $0 + $1[place].tokens }
            let totals = first.sums.indices.map { adapter in
                sums.reduce(0) { $0 + $1[place].sums[adapter] }
            }
            return FusionWeights.Site(
                name: first.site.path,
                weights: totals.map { $0 / Double(max(tokens, 1)) }
            )
        }
        return FusionWeights(adapters: adapters, sites: sites)
    }
}

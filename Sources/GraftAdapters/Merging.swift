public import GraftLayers
public import GraftTorch

/// An adapter whose effect a frozen projection can take over, so that it costs nothing at run time.
///
/// Merging makes new tensors; the frozen projection is never written, so that leaving the merged one
/// out is an exact way back.
public protocol MergeableLinearAdapter: LinearAdapter {
    /// Returns the projection that computes what `linear` and this adapter compute together.
    ///
    /// - Parameter linear: The frozen projection that the adapter was attached to.
    /// - Returns: The weight [output, input] and the bias [output], float32.
    /// - Throws: `TorchError` if an operation fails.
    func merged(into linear: Linear) throws(TorchError) -> (weight: Tensor, bias: Tensor?)
}

extension SiteAdapters {
    /// Returns the projections that compute what the frozen ones and these adapters do together.
    ///
    /// - Parameter sites: The sites of the model that these adapters were attached to.
    /// - Returns: For each site with an adapter, the weight [output, input] and the bias [output],
    ///   float32.
    /// - Throws: `ConfigurationError` naming a site whose adapter cannot be merged.
    public func merged(
        into sites: SiteMap
    ) throws -> [Site: (weight: Tensor, bias: Tensor?)] {
        var result: [Site: (weight: Tensor, bias: Tensor?)] = [:]
        for target in sites.linear {
            guard let adapter = linear[target.site] as? any MergeableLinearAdapter else { continue }
            result[target.site] = try adapter.merged(into: target.linear)
        }
        guard let other = self.sites.subtracting(result.keys).map(\.path).min() else {
            return result
        }
        throw ConfigurationError(
            field: "method",
            problem: "what acts at \(other) cannot become part of the frozen weights"
                + " (hint: LoRA without a gate, DoRA, AdaLoRA, (IA)3 and VeRA can)"
        )
    }
}

extension Linear {
    /// The frozen weight and bias to merge into, float32.
    func unmerged() throws(TorchError) -> (weight: Tensor, bias: Tensor?) {
        (
            try weight.dense().detached().converted(to: .float32),
            try bias?.detached().converted(to: .float32)
        )
    }
}

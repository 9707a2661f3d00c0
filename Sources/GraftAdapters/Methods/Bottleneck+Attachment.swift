public import GraftLayers

extension Bottleneck {
    public func check(against sites: SiteMap) throws {
        try sites.check(layers: leaveOut, field: "leave_out")
        try sites.check(layers: reductionFactor.byLayer.keys, field: "reduction_factor")
        guard !afterCross || sites.hidden.contains(where: { $0.site.role == .cross }) else {
            throw ConfigurationError(
                field: "cross_adapter",
                problem: "this model has no attention across towers (hint: cross_adapter=false)"
            )
        }
    }

    public func attached(to sites: SiteMap, _ scope: ParameterScope) throws -> SiteAdapters {
        try check(against: sites)
        var adapters = SiteAdapters()
        var shared: (values: PHMShared, size: Int, width: Int)?
        for target in sites.hidden {
            guard let width = try width(at: target) else { continue }
            if hypercomplex.isUsed, shared == nil {
                let values = try PHMShared(
                    hypercomplex,
                    size: target.size,
                    width: width,
                    scope / "shared",
                    seeded
                )
                shared = (values, target.size, width)
            }
            if hypercomplex.sharesWeights, let shared,
                shared.size != target.size || shared.width != width
            {
                throw ConfigurationError(
                    field: "shared_W_phm",
                    problem: "\(target.site) is \(target.size) wide with a bottleneck of \(width),"
                        + " others \(shared.size) with \(shared.width)"
                        + " (hint: one reduction_factor for all layers)"
                )
            }
            adapters.hidden[target.site] = try BottleneckAdapter(
                self,
                size: target.size,
                width: width,
                shared: shared?.values,
                scope / target.site.path
            )
        }
        for target in sites.norm where trainsLayerNorms {
            adapters.norm[target.site] = try TrainedNorm(
                target,
                trainsWeight: true,
                scope / target.site.path
            )
        }
        for target in sites.embedding {
            adapters.embedding[target.site] = try invertible.map {
                try Coupling(self, $0, size: target.size, scope / target.site.path)
            }
        }
        return adapters
    }

    // Rules that are not trained are parameters still, so that they are stored with the adapter.
    public func learningRateFactor(_ parameter: String) -> Double {
        guard hypercomplex.isUsed, !hypercomplex.trainsRules else { return 1 }
        let name = parameter.split(separator: ".").last ?? ""
        return ["rule", "rule_left", "rule_right"].contains(name) ? 0 : 1
    }

    /// The width of the bottleneck at a sub-layer's output, or `nil` if there is none.
    private func width(at target: HiddenSite) throws -> Int? {
        let acts =
            switch target.site.role {
            case .attention: afterAttention
            case .cross: afterCross
            default: afterFeedForward
            }
        guard acts, let layer = target.site.layer, !leaveOut.contains(layer) else { return nil }
        guard let factor = reductionFactor[layer] else {
            throw ConfigurationError(
                field: "reduction_factor",
                problem: "names neither layer \(layer) nor a default"
                    + " (hint: {\"\(layer)\": 8, \"default\": 16})"
            )
        }
        let width = Int((Double(target.size) / factor).rounded(.down))
        guard hypercomplex.isUsed else { return max(1, width) }
        let n = hypercomplex.dimension
        guard target.size % n == 0, width % n == 0 || width < n else {
            throw ConfigurationError(
                field: "phm_dim",
                problem: "\(n) does not divide both the hidden size \(target.size) and the"
                    + " bottleneck \(width) (hint: another reduction_factor)"
            )
        }
        return max(n, width)
    }

    func seeded(_ start: Initializer) -> Initializer {
        start.seeded(startSeed)
    }
}

public import GraftLayers
internal import GraftTorch

/// Prefix tuning: trained keys and values in front of those of every attention.
///
/// The flat form trains them directly. The other computes them from `prefix_length` trained vectors
/// by an MLP whose last layer has a part for each attention; it trains more steadily, at the cost of
/// that MLP in every pass and of many more parameters.
///
/// Parameters: `<site>.key` and `<site>.value` of the flat form; else `shared.<tower>.<role>.{embedding,
/// down.weight, down.bias}` and `<site>.{key,value}.{weight,bias}`; `<site>.gate.{weight,bias}`.
///
/// Reference: Li and Liang, [Prefix-Tuning](https://arxiv.org/abs/2101.00190). Numerically this is
/// `adapters` 1.3.0 (`methods/prefix_tuning.py`), except that gates average over a row's own tokens,
/// not over padding, and that `init_weights_seed` 0 is a seed.
public struct PrefixTuning: AdapterMethod, Hashable {
    public static let identifier = "prefix_tuning"

    /// Whether the encoder of an encoder-decoder model has prefixes.
    public var actsInEncoder = true
    /// Whether attentions from a decoder to an encoder have prefixes.
    public var actsAcross = true
    /// Blocks without prefixes.
    public var leaveOut: Set<Int> = []
    /// Whether keys and values are trained directly.
    public var isFlat = false
    /// Keys, and values, in front of every row.
    public var length = 30
    /// The width of the MLP's hidden layer.
    public var bottleneckSize = 512
    /// The MLP's non-linearity.
    public var activation = Activation.tanh
    /// Dropout on the keys and values, drawn for each row.
    public var dropout = 0.0
    /// Whether a trained gate, the row's mean of σ(W x), multiplies keys and values (UniPELT).
    public var isGated = false
    /// Whether keys and values have the same gate.
    public var sharesGate = true
    /// A seed for the start values instead of the run's.
    public var startSeed: UInt64?

    public static let presets: KeyValuePairs<String, PrefixTuning> = [
        "prefix_tuning": PrefixTuning(),
        "prefix_tuning_flat": PrefixTuning { $0.isFlat = true },
    ]

    init(_ change: (inout PrefixTuning) -> Void = { _ in }) {
        change(&self)
    }

    public var defaultLearningRate: Double { isFlat ? 1e-2 : 1e-3 }

    public func check(against sites: SiteMap) throws {
        try sites.check(layers: leaveOut, field: "leave_out")
    }

    public func attached(to sites: SiteMap, _ scope: ParameterScope) throws -> SiteAdapters {
        try check(against: sites)
        let hasDecoder = sites.attention.contains { $0.site.tower == .decoder }
        var adapters = SiteAdapters()
        var shared: [Site: PrefixBottleneck] = [:]
        for target in sites.attention where acts(at: target.site, hasDecoder: hasDecoder) {
            var values = PrefixValues.flat
            if !isFlat {
                let group = Site(target.site.tower, layer: nil, target.site.role)
                let bottleneck =
                    try shared[group]
                    ?? PrefixBottleneck(self, target, scope / "shared" / group.path)
                shared[group] = bottleneck
                values = .computed(bottleneck)
            }
            adapters.attention[target.site] = try PrefixAdapter(
                self,
                target,
                values,
                scope / target.site.path
            )
        }
        return adapters
    }

    private func acts(at site: Site, hasDecoder: Bool) -> Bool {
        if let layer = site.layer, leaveOut.contains(layer) { return false }
        if site.role == .crossAttention { return actsAcross }
        return site.tower != .encoder || !hasDecoder || actsInEncoder
    }

    func seeded(_ start: Initializer) -> Initializer {
        start.seeded(startSeed)
    }
}

extension PrefixTuning {
    // A gate is a mean over the whole row.
    public var settingThatLooksAhead: String? { isGated ? "use_gating" : nil }
}

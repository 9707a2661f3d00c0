public import GraftLayers
internal import GraftTorch

/// Low-rank adaptation: `y = W x + b + s · B A x`, of which only `A` and `B` are trained.
///
/// The scale `s` is `alpha / r`. One configuration covers the variants of the literature:
///
/// | preset | what differs | paper |
/// |---|---|---|
/// | `lora` | `A` starts Kaiming uniform, `B` zero | [Hu et al.](https://arxiv.org/abs/2106.09685) |
/// | `rslora` | `s` is `alpha / √r` | [Kalajdzievski](https://arxiv.org/abs/2312.03732) |
/// | `dora` | rows of `W + s B A` have trained norms | [Liu et al.](https://arxiv.org/abs/2402.09353) |
/// | `pissa` | `A`, `B` start as the leading singular vectors of `W` | [Meng et al.](https://arxiv.org/abs/2404.02948) |
///
/// LoRA+ ([Hayou et al.](https://arxiv.org/abs/2402.12354)) is the setting `loraplus_lr_ratio`,
/// UniPELT's gate `use_gating`: the mean of σ(G x) over the row's tokens stands in for `s`.
///
/// Names and defaults are those of `adapters` 1.3.0 (`LoRAConfig`) and `peft` 0.21.2 (`LoraConfig`);
/// projections are named by their roles, so that one configuration fits every model family.
/// Numerically this is both libraries; `peft` alone for DoRA, where `adapters` leaves the scale out
/// of the norm, scales the frozen bias too and differentiates the norm, and for `adapters`' gate,
/// which averages over padding, the mean over real tokens.
public struct LoRA: AdapterMethod, Hashable {
    public static let identifier = "lora"

    public static var trainingSettings: Set<String> {
        ["dropout", "init_weights", "init_weights_seed", "loraplus_lr_ratio"]
    }

    /// How new factors start.
    public enum Start: String, Sendable, Hashable, Codable, CaseIterable {
        /// `A` Kaiming uniform, `B` zero: exactly the identity.
        case lora
        /// N(0, 0.02²) both: close to the identity.
        case bert
        /// The leading singular vectors of the frozen weight: exactly the identity, since what they
        /// start as is subtracted.
        case pissa
    }

    /// Which frozen biases are trained.
    public enum Bias: String, Sendable, Hashable, Codable, CaseIterable {
        case none
        /// Those of the adapted projections, stored as differences as ``BitFit`` does.
        case adapted = "lora_only"
    }

    /// The width of the factors.
    public var rank = 8
    /// What the product is multiplied with, times the rank.
    public var alpha = 8.0
    /// Dropout on the factors' input.
    public var dropout = 0.0
    /// Which projections have factors.
    public var targets = ProjectionTargets.roles([.query, .value])
    /// Blocks without adapters (AdapterDrop).
    public var leaveOut: Set<Int> = []
    /// Ranks of single projections: `key` for all of a role, `3.key` for one.
    public var ranks: [String: Int] = [:]
    /// Values of alpha likewise.
    public var alphas: [String: Double] = [:]
    /// How new factors start.
    public var start = Start.lora
    /// A seed for the start values instead of the run's.
    public var startSeed: UInt64?
    /// Which frozen biases are trained.
    public var bias = Bias.none
    /// Whether the scale divides by the root of the rank (rsLoRA).
    public var dividesByRoot = false
    /// Whether rows of the adapted weight have trained norms (DoRA).
    public var isDecomposed = false
    /// Whether a trained gate, the row's mean of σ(G x), stands in for the scale (UniPELT).
    public var isGated = false
    /// How much faster `B` learns than all else (LoRA+).
    public var rateRatio = 1.0

    public static let presets: KeyValuePairs<String, LoRA> = [
        "lora": LoRA(),
        "rslora": LoRA { $0.dividesByRoot = true },
        "dora": LoRA { $0.isDecomposed = true },
        "pissa": LoRA { $0.start = .pissa },
    ]

    private init(_ change: (inout LoRA) -> Void = { _ in }) {
        change(&self)
    }

    /// Plain LoRA of a rank and scale at some projections.
    init(rank: Int, alpha: Double, targets: ProjectionTargets, leaveOut: Set<Int>) {
        (self.rank, self.alpha, self.targets, self.leaveOut) = (rank, alpha, targets, leaveOut)
    }

    public func check(against sites: SiteMap) throws {
        try targets.check(against: sites, leavingOut: leaveOut)
        let adapted = sites.linear.map(\.site).filter(acts)
        let names = Set(adapted.flatMap(LoRA.patterns))
        for (field, keys) in [
            (CodingKeys.ranks, Set(ranks.keys)), (.alphas, Set(alphas.keys)),
        ] {
            guard let stranger = keys.subtracting(names).min() else { continue }
            let near = names.nearest(to: stranger).map { "did you mean '\($0)'?" }
            throw ConfigurationError(
                field: field.rawValue,
                problem: "'\(stranger)' is no adapted projection"
                    + " (\(near ?? "hint: a role such as query, or 3.query for one layer"))"
            )
        }
    }

    public func attach(
        to target: LinearSite,
        _ scope: ParameterScope
    ) throws -> (any LinearAdapter)? {
        guard acts(at: target.site) else { return nil }
        let update = try update(for: target, scope)
        let bias =
            bias == .adapted && target.hasBias
            ? try scope.parameter("bias", shape: [target.outputSize], initial: .zeros) : nil
        if isGated {
            return GatedLoRAAdapter(
                update: update,
                bias: bias,
                gate: try gate(inputSize: target.inputSize, scope / "gate"),
                dropout: dropout,
                site: target.site
            )
        }
        if isDecomposed {
            return try DoRAAdapter(target, update: update, bias: bias, dropout: dropout, scope)
        }
        return LoRAAdapter(update: update, bias: bias, dropout: dropout, site: target.site)
    }

    public func learningRateFactor(_ parameter: String) -> Double {
        parameter.hasSuffix(".lora_B") ? rateRatio : 1
    }

    public func warnings(for sites: SiteMap, isSequenceTask: Bool) -> [String] {
        for target in sites.linear where acts(at: target.site) {
            let (rank, most) = (rank(at: target.site), min(target.inputSize, target.outputSize))
            guard rank >= most else { continue }
            return [
                "rank \(rank) at \(target.site) is no less than the projection's own (\(most)):"
                    + " it compresses nothing (hint: r=8)"
            ]
        }
        return []
    }
}

extension LoRA {
    func acts(at site: Site) -> Bool {
        targets.contains(site, leavingOut: leaveOut)
    }

    func rank(at site: Site) -> Int { LoRA.setting(ranks, at: site) ?? rank }

    /// What the product of the factors is multiplied with.
    func scale(at site: Site) -> Double {
        let rank = Double(rank(at: site))
        let alpha = LoRA.setting(alphas, at: site) ?? alpha
        return alpha / (dividesByRoot ? rank.squareRoot() : rank)
    }

    /// The names by which a pattern can mean a site; the most exact comes first.
    private static func patterns(of site: Site) -> [String] {
        [site.path] + (site.layer.map { ["\($0).\(site.role.rawValue)"] } ?? [])
            + [site.role.rawValue]
    }

    private static func setting<Value>(_ pattern: [String: Value], at site: Site) -> Value? {
        patterns(of: site).lazy.compactMap { pattern[$0] }.first
    }
}

extension LoRA {
    // A gate is a mean over the whole row.
    public var settingThatLooksAhead: String? { isGated ? "use_gating" : nil }
}

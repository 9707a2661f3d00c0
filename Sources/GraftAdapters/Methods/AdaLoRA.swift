public import GraftLayers
public import GraftTorch

/// AdaLoRA: LoRA whose ranks are shared out over the projections in training.
///
/// `y = W x + b + alpha / (init_r + 10⁻⁵) · B (E ∘ A) x`, where `E` holds a factor for each rank, as a
/// singular value; that `A` and `B` are orthonormal is a term of the loss. All projections start with
/// `init_r` ranks. Between steps the ranks that matter least, wherever they are, get a factor of 0,
/// until `target_r` are left on average (`RankAllocation`).
///
/// The three phases are counted in steps of the run: `tinit` in which all ranks learn, then allocation, and
/// `tfinal` in which the ranks that are left go on alone. Ranks without a factor stay in the file. Where the best of several
/// epochs is kept, it may be one from before the last allocation, with more ranks.
///
/// Parameters: `<site>.lora_A`, `<site>.lora_B`, `<site>.lora_E`.
///
/// Reference: Zhang et al., [AdaLoRA](https://arxiv.org/abs/2303.10512); numerically `peft` 0.21.2
/// (`tuners/adalora`), most names and the defaults too, with steps counted from 1.
public struct AdaLoRA: AdapterMethod, Hashable {
    public static let identifier = "adalora"

    /// Ranks of each projection at the start.
    public var startRank = 12
    /// Ranks of each projection at the end, on average.
    public var targetRank = 8
    /// What the product is multiplied with, times ``startRank``.
    public var alpha = 8.0
    /// Dropout on the factors' input.
    public var dropout = 0.0
    /// Which projections are adapted.
    public var targets = ProjectionTargets.roles([.query, .value])
    /// Blocks without adapters (AdapterDrop).
    public var leaveOut: Set<Int> = []
    /// Steps before ranks are taken away.
    public var firstSteps = 0
    /// Steps after the last ranks were taken away.
    public var lastSteps = 0
    /// Steps from one allocation to the next.
    public var interval = 1
    /// The decay of the mean of sensitivities.
    public var sensitivityDecay = 0.85
    /// The decay of the mean of their deviations.
    public var uncertaintyDecay = 0.85
    /// The weight of the term that keeps the factors orthonormal.
    public var orthogonality = 0.5

    public static let presets: KeyValuePairs<String, AdaLoRA> = ["adalora": AdaLoRA()]

    private init() {}

    public var defaultLearningRate: Double { 2e-3 }

    var scale: Double { alpha / (Double(startRank) + 1e-5) }

    public func check(against sites: SiteMap) throws {
        try targets.check(against: sites, leavingOut: leaveOut)
    }

    public func attached(to sites: SiteMap, _ scope: ParameterScope) throws -> SiteAdapters {
        try check(against: sites)
        let adapted = sites.linear.filter { targets.contains($0.site, leavingOut: leaveOut) }
        var adapters = SiteAdapters()
        for target in adapted {
            let scope = scope / target.site.path
            let start = Initializer.normal(deviation: 0.02)
            adapters.linear[target.site] = AdaLoRAAdapter(
                a: try scope.parameter(
                    "lora_A",
                    shape: [startRank, target.inputSize],
                    initial: start
                ),
                b: try scope.parameter(
                    "lora_B",
                    shape: [target.outputSize, startRank],
                    initial: start
                ),
                factors: try scope.parameter("lora_E", shape: [startRank, 1], initial: .zeros),
                scale: scale,
                // The term is the mean over all factors A and B.
                orthogonality: orthogonality / Double(2 * adapted.count),
                dropout: dropout,
                site: target.site
            )
        }
        return adapters
    }

    public func warnings(for sites: SiteMap, isSequenceTask: Bool) -> [String] {
        LoRA(rank: startRank, alpha: alpha, targets: targets, leaveOut: leaveOut)
            .warnings(for: sites, isSequenceTask: isSequenceTask)
    }

    public func stepRule(
        for parameters: [ParameterBuffer.Slice],
        steps: Int
    ) throws -> (any StepRule)? {
        try RankAllocation(self, parameters, steps: steps)
    }

    /// Adds up updates, as LoRA does; the result is LoRA.
    public static func combined(
        _ adapters: [TrainedAdapter<AdaLoRA>],
        by arithmetic: WeightArithmetic
    ) throws -> CombinedAdapter {
        try LoRA.combined(
            adapters.map { adapter in
                var parameters = adapter.parameters
                for (name, factors) in adapter.parameters where name.hasSuffix(".lora_E") {
                    let a = String(name.dropLast("lora_E".count)) + "lora_A"
                    parameters[name] = nil
                    parameters[a] = try adapter.parameter(a) * factors
                }
                let method = LoRA(
                    rank: adapter.method.startRank,
                    alpha: adapter.method.scale * Double(adapter.method.startRank),
                    targets: adapter.method.targets,
                    leaveOut: adapter.method.leaveOut
                )
                return TrainedAdapter(name: adapter.name, method: method, parameters: parameters)
            },
            by: arithmetic
        )
    }
}

extension AdaLoRA: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case startRank = "init_r"
        case targetRank = "target_r"
        case alpha
        case dropout
        case targets = "target_modules"
        case leaveOut = "leave_out"
        case firstSteps = "tinit"
        case lastSteps = "tfinal"
        case interval = "deltaT"
        case sensitivityDecay = "beta1"
        case uncertaintyDecay = "beta2"
        case orthogonality = "orth_reg_weight"
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        startRank = try fields.positive(.startRank, default: startRank)
        targetRank = try fields.positive(.targetRank, default: targetRank)
        alpha = try fields.value(.alpha, default: alpha)
        dropout = try fields.probability(.dropout, default: dropout)
        targets = try fields.value(.targets, default: targets)
        leaveOut = try fields.value(.leaveOut, default: leaveOut)
        firstSteps = try fields.value(.firstSteps, default: firstSteps)
        lastSteps = try fields.value(.lastSteps, default: lastSteps)
        interval = try fields.positive(.interval, default: interval)
        sensitivityDecay = try fields.value(.sensitivityDecay, default: sensitivityDecay)
        uncertaintyDecay = try fields.value(.uncertaintyDecay, default: uncertaintyDecay)
        orthogonality = try fields.value(.orthogonality, default: orthogonality)
        guard targetRank <= startRank else {
            throw fields.invalid(
                .targetRank,
                "must be at most init_r (\(startRank)), found \(targetRank)"
            )
        }
        guard alpha > 0, alpha.isFinite else {
            throw fields.invalid(.alpha, "must be positive, found \(alpha)")
        }
        guard orthogonality >= 0, orthogonality.isFinite else {
            throw fields.invalid(.orthogonality, "must be 0 or more, found \(orthogonality)")
        }
        for (key, steps) in [(CodingKeys.firstSteps, firstSteps), (.lastSteps, lastSteps)]
        where steps < 0 {
            throw fields.invalid(key, "must be 0 or more, found \(steps)")
        }
        for (key, decay) in [
            (CodingKeys.sensitivityDecay, sensitivityDecay), (.uncertaintyDecay, uncertaintyDecay),
        ] where !(decay > 0 && decay < 1) {
            throw fields.invalid(key, "must be between 0 and 1, found \(decay)")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(startRank, forKey: .startRank)
        try fields.encode(targetRank, forKey: .targetRank)
        try fields.encode(alpha, forKey: .alpha)
        try fields.encode(dropout, forKey: .dropout)
        try fields.encode(targets, forKey: .targets)
        try fields.encode(leaveOut.sorted(), forKey: .leaveOut)
        try fields.encode(firstSteps, forKey: .firstSteps)
        try fields.encode(lastSteps, forKey: .lastSteps)
        try fields.encode(interval, forKey: .interval)
        try fields.encode(sensitivityDecay, forKey: .sensitivityDecay)
        try fields.encode(uncertaintyDecay, forKey: .uncertaintyDecay)
        try fields.encode(orthogonality, forKey: .orthogonality)
    }
}

/// AdaLoRA at one projection.
private struct AdaLoRAAdapter: MergeableLinearAdapter {
    let a: Tensor  // [rank, input]
    let b: Tensor  // [output, rank]
    let factors: Tensor  // [rank, 1]
    let scale: Double
    let orthogonality: Double
    let dropout: Double
    let site: Site

    func callAsFunction(
        input: Tensor,
        output: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        // Adapters compute in float32 whatever the frozen model computes in.
        let x = try context.dropout(input.converted(to: .float32), dropout, at: site, "lora")
        let change = try (x.linear(a * factors) * scale).linear(b)
        return try (output.converted(to: .float32) + change).converted(to: output.dtype)
    }

    /// How far the rows of `A` and the columns of `B` are from orthonormal: ‖A Aᵀ - I‖ + ‖Bᵀ B - I‖.
    func penalty() throws(TorchError) -> Tensor? {
        // Of factors that stay as they are the term is a constant.
        guard orthogonality > 0, a.requiresGradient || b.requiresGradient else { return nil }
        let identity = try Tensor(identity: a.size(0)).moved(to: a.device)
        func distance(_ products: Tensor) throws(TorchError) -> Tensor {
            // At exactly orthonormal the root has no slope: it is 0, as torch's norm says.
            try ((products - identity).squared().sum() + 1e-30).squareRoot()
        }
        let rows = try distance(a.matmul(a.transposed(0, 1)))
        let columns = try distance(b.transposed(0, 1).matmul(b))
        return try (rows + columns) * orthogonality
    }

    func merged(into linear: Linear) throws(TorchError) -> (weight: Tensor, bias: Tensor?) {
        let (weight, bias) = try linear.unmerged()
        let rows = try a.detached() * factors.detached()
        return (try weight + b.detached().matmul(rows) * scale, bias)
    }
}

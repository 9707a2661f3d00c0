internal import GraftLayers

// Names and defaults are those of `adapters` 1.3.0 and `peft` 0.21.2, which agree but for the
// names of start and targets.
extension LoRA: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case rank = "r"
        case alpha
        case dropout
        case targets = "target_modules"
        case leaveOut = "leave_out"
        case ranks = "rank_pattern"
        case alphas = "alpha_pattern"
        case start = "init_weights"
        case startSeed = "init_weights_seed"
        case bias
        case dividesByRoot = "use_rslora"
        case isDecomposed = "use_dora"
        case isGated = "use_gating"
        case rateRatio = "loraplus_lr_ratio"
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        rank = try fields.required(.rank)
        alpha = try fields.required(.alpha)
        dropout = try fields.probability(.dropout, default: dropout)
        targets = try fields.value(.targets, default: targets)
        leaveOut = try fields.value(.leaveOut, default: leaveOut)
        ranks = try fields.value(.ranks, default: ranks)
        alphas = try fields.value(.alphas, default: alphas)
        start = try fields.value(.start, default: start)
        startSeed = try fields.optional(.startSeed)
        bias = try fields.value(.bias, default: bias)
        dividesByRoot = try fields.value(.dividesByRoot, default: dividesByRoot)
        isDecomposed = try fields.value(.isDecomposed, default: isDecomposed)
        isGated = try fields.value(.isGated, default: isGated)
        rateRatio = try fields.value(.rateRatio, default: rateRatio)
        for (key, values) in [(CodingKeys.rank, [rank]), (.ranks, Array(ranks.values))] {
            for value in values where value <= 0 {
                throw fields.invalid(key, "must be positive, found \(value)")
            }
        }
        for (key, values) in [
            (CodingKeys.alpha, [alpha]), (.rateRatio, [rateRatio]), (.alphas, Array(alphas.values)),
        ] {
            for value in values where !(value > 0 && value.isFinite) {
                throw fields.invalid(key, "must be positive, found \(value)")
            }
        }
        guard !isGated || !(isDecomposed || dividesByRoot || start == .pissa) else {
            let other =
                isDecomposed ? "use_dora" : dividesByRoot ? "use_rslora" : "init_weights=pissa"
            throw fields.invalid(
                .isGated,
                "a gate in place of the scale does not go with \(other)"
            )
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(rank, forKey: .rank)
        try fields.encode(alpha, forKey: .alpha)
        try fields.encode(dropout, forKey: .dropout)
        try fields.encode(targets, forKey: .targets)
        try fields.encode(leaveOut.sorted(), forKey: .leaveOut)
        try fields.encode(ranks, forKey: .ranks)
        try fields.encode(alphas, forKey: .alphas)
        try fields.encode(start, forKey: .start)
        try fields.encode(startSeed, forKey: .startSeed)
        try fields.encode(bias, forKey: .bias)
        try fields.encode(dividesByRoot, forKey: .dividesByRoot)
        try fields.encode(isDecomposed, forKey: .isDecomposed)
        try fields.encode(isGated, forKey: .isGated)
        try fields.encode(rateRatio, forKey: .rateRatio)
    }
}

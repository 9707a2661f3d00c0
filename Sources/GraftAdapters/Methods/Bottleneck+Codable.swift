internal import GraftLayers

// Names and defaults are those of `adapters` 1.3.0, `configuration/adapter_config.py`, `BnConfig`.
extension Bottleneck: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case afterAttention = "mh_adapter"
        case afterFeedForward = "output_adapter"
        case afterCross = "cross_adapter"
        case reductionFactor = "reduction_factor"
        case activation = "non_linearity"
        case readsBlockNorm = "original_ln_before"
        case keepsBlockOutput = "original_ln_after"
        case normBefore = "ln_before"
        case normAfter = "ln_after"
        case start = "init_weights"
        case startSeed = "init_weights_seed"
        case isParallel = "is_parallel"
        case scaling
        case isGated = "use_gating"
        case residual = "residual_before_ln"
        case residualBeforeOwnNorm = "adapter_residual_before_ln"
        case leaveOut = "leave_out"
        case dropout
        case stochasticDepth = "stochastic_depth"
        case usesPHM = "phm_layer"
        case phmDimension = "phm_dim"
        case factorsPHMWeights = "factorized_phm_W"
        case sharesPHMWeights = "shared_W_phm"
        case sharesPHMRules = "shared_phm_rule"
        case factorsPHMRules = "factorized_phm_rule"
        case phmRuleStart = "phm_c_init"
        case phmStartRange = "phm_init_range"
        case trainsPHMRules = "learn_phm"
        case phmWeightStart = "hypercomplex_nonlinearity"
        case phmRank = "phm_rank"
        case hasPHMBias = "phm_bias"
        case invertible = "inv_adapter"
        case invertibleFactor = "inv_adapter_reduction_factor"
        case trainsLayerNorms = "train_layer_norms"
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        afterAttention = try fields.required(.afterAttention)
        afterFeedForward = try fields.required(.afterFeedForward)
        afterCross = try fields.value(.afterCross, default: afterCross)
        reductionFactor = try fields.required(.reductionFactor)
        activation = try fields.required(.activation)
        readsBlockNorm = try fields.value(.readsBlockNorm, default: readsBlockNorm)
        keepsBlockOutput = try fields.value(.keepsBlockOutput, default: keepsBlockOutput)
        normBefore = try fields.value(.normBefore, default: normBefore)
        normAfter = try fields.value(.normAfter, default: normAfter)
        start = try fields.value(.start, default: start)
        startSeed = try fields.optional(.startSeed)
        isParallel = try fields.value(.isParallel, default: isParallel)
        scaling = try fields.value(.scaling, default: scaling)
        isGated = try fields.value(.isGated, default: isGated)
        residual = try fields.value(.residual, default: residual)
        residualBeforeOwnNorm = try fields.value(.residualBeforeOwnNorm, default: false)
        leaveOut = try fields.value(.leaveOut, default: leaveOut)
        dropout = try fields.probability(.dropout, default: dropout)
        stochasticDepth = try fields.probability(.stochasticDepth, default: stochasticDepth)
        hypercomplex = try Hypercomplex(fields)
        invertible = try fields.optional(.invertible)
        invertibleFactor = try fields.value(.invertibleFactor, default: invertibleFactor)
        trainsLayerNorms = try fields.value(.trainsLayerNorms, default: trainsLayerNorms)
        guard afterAttention || afterFeedForward || afterCross else {
            throw fields.invalid(
                .afterFeedForward,
                "there is no adapter at all (hint: output_adapter=true or mh_adapter=true)"
            )
        }
        guard !hypercomplex.isUsed || start == .bert else {
            throw fields.invalid(
                .start,
                "phm_layer=true starts weights as hypercomplex_nonlinearity says"
                    + " (hint: init_weights=bert)"
            )
        }
        guard invertibleFactor > 0, invertibleFactor.isFinite else {
            throw fields.invalid(.invertibleFactor, "must be positive, found \(invertibleFactor)")
        }
        guard residual != .sum || (readsBlockNorm && !isParallel) else {
            throw fields.invalid(.residual, "\"post_add\" needs original_ln_before=true")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(afterAttention, forKey: .afterAttention)
        try fields.encode(afterFeedForward, forKey: .afterFeedForward)
        try fields.encode(afterCross, forKey: .afterCross)
        try fields.encode(reductionFactor, forKey: .reductionFactor)
        try fields.encode(activation, forKey: .activation)
        try fields.encode(readsBlockNorm, forKey: .readsBlockNorm)
        try fields.encode(keepsBlockOutput, forKey: .keepsBlockOutput)
        try fields.encode(normBefore, forKey: .normBefore)
        try fields.encode(normAfter, forKey: .normAfter)
        try fields.encode(start, forKey: .start)
        try fields.encode(startSeed, forKey: .startSeed)
        try fields.encode(isParallel, forKey: .isParallel)
        try fields.encode(scaling, forKey: .scaling)
        try fields.encode(isGated, forKey: .isGated)
        try fields.encode(residual, forKey: .residual)
        try fields.encode(residualBeforeOwnNorm, forKey: .residualBeforeOwnNorm)
        try fields.encode(leaveOut.sorted(), forKey: .leaveOut)
        try fields.encode(dropout, forKey: .dropout)
        try fields.encode(stochasticDepth, forKey: .stochasticDepth)
        try hypercomplex.encode(to: &fields)
        try fields.encode(invertible, forKey: .invertible)
        try fields.encode(invertible.map { _ in invertibleFactor }, forKey: .invertibleFactor)
        try fields.encode(trainsLayerNorms, forKey: .trainsLayerNorms)
    }
}

extension Bottleneck.Hypercomplex {
    init(_ fields: ConfigurationFields<Bottleneck.CodingKeys>) throws {
        isUsed = try fields.value(.usesPHM, default: isUsed)
        dimension = try fields.positive(.phmDimension, default: dimension)
        factorsWeights = try fields.value(.factorsPHMWeights, default: factorsWeights)
        sharesWeights = try fields.value(.sharesPHMWeights, default: sharesWeights)
        sharesRules = try fields.value(.sharesPHMRules, default: sharesRules)
        factorsRules = try fields.value(.factorsPHMRules, default: factorsRules)
        ruleStart = try fields.value(.phmRuleStart, default: ruleStart)
        startRange = try fields.value(.phmStartRange, default: startRange)
        trainsRules = try fields.value(.trainsPHMRules, default: trainsRules)
        weightStart = try fields.value(.phmWeightStart, default: weightStart)
        rank = try fields.positive(.phmRank, default: rank)
        hasBias = try fields.value(.hasPHMBias, default: hasBias)
        guard startRange > 0, startRange.isFinite else {
            throw fields.invalid(.phmStartRange, "must be positive, found \(startRange)")
        }
    }

    func encode(to fields: inout KeyedEncodingContainer<Bottleneck.CodingKeys>) throws {
        try fields.encode(isUsed, forKey: .usesPHM)
        try fields.encode(dimension, forKey: .phmDimension)
        try fields.encode(factorsWeights, forKey: .factorsPHMWeights)
        try fields.encode(sharesWeights, forKey: .sharesPHMWeights)
        try fields.encode(sharesRules, forKey: .sharesPHMRules)
        try fields.encode(factorsRules, forKey: .factorsPHMRules)
        try fields.encode(ruleStart, forKey: .phmRuleStart)
        try fields.encode(startRange, forKey: .phmStartRange)
        try fields.encode(trainsRules, forKey: .trainsPHMRules)
        try fields.encode(weightStart, forKey: .phmWeightStart)
        try fields.encode(rank, forKey: .phmRank)
        try fields.encode(hasBias, forKey: .hasPHMBias)
    }
}

internal import GraftLayers

// Names and defaults are those of `adapters` 1.3.0, `configuration/adapter_config.py`, `BnConfig`.
extension Bottleneck: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case afterAttention = "mh_adapter"
        case afterFeedForward = "output_adapter"
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
        case trainsLayerNorms = "train_layer_norms"
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        afterAttention = try fields.required(.afterAttention)
        afterFeedForward = try fields.required(.afterFeedForward)
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
        dropout = try fields.value(.dropout, default: dropout)
        stochasticDepth = try fields.value(.stochasticDepth, default: stochasticDepth)
        trainsLayerNorms = try fields.value(.trainsLayerNorms, default: trainsLayerNorms)
        for (key, value) in [
            (CodingKeys.dropout, dropout), (.stochasticDepth, stochasticDepth),
        ] where !(0..<1).contains(value) {
            throw fields.invalid(key, "must be in 0 ..< 1, found \(value)")
        }
        guard afterAttention || afterFeedForward else {
            throw fields.invalid(
                .afterFeedForward,
                "there is no adapter at all (hint: output_adapter=true or mh_adapter=true)"
            )
        }
        guard residual != .sum || (readsBlockNorm && !isParallel) else {
            throw fields.invalid(.residual, "\"post_add\" needs original_ln_before=true")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(afterAttention, forKey: .afterAttention)
        try fields.encode(afterFeedForward, forKey: .afterFeedForward)
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
        try fields.encode(trainsLayerNorms, forKey: .trainsLayerNorms)
    }
}

/// `true`, `false` or `"post_add"`.
extension Bottleneck.Residual: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let flag = try? container.decode(Bool.self) {
            self = flag ? .output : .input
        } else if (try? container.decode(String.self)) == "post_add" {
            self = .sum
        } else {
            throw ConfigurationError(field: "", problem: "expected true, false or \"post_add\"")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .output: try container.encode(true)
        case .input: try container.encode(false)
        case .sum: try container.encode("post_add")
        }
    }
}

/// A number, `"learned"` or `"channel"`.
extension Bottleneck.Scaling: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let factor = try? container.decode(Double.self) {
            self = .constant(factor)
            return
        }
        switch try? container.decode(String.self) {
        case "learned": self = .learned
        case "channel": self = .channel
        default:
            throw ConfigurationError(
                field: "",
                problem: "expected a number, \"learned\" or \"channel\""
            )
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .constant(let factor): try container.encode(factor)
        case .learned: try container.encode("learned")
        case .channel: try container.encode("channel")
        }
    }
}

/// A number, or an object from layers to numbers with a `default`.
extension Bottleneck.ReductionFactor: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let factor = try? container.decode(Double.self) {
            self.init(standard: factor)
        } else {
            guard let map = try? container.decode([String: Double].self) else {
                throw ConfigurationError(
                    field: "",
                    problem: "expected a number or an object such as {\"1\": 8, \"default\": 16}"
                )
            }
            self.init(standard: map["default"])
            for (name, factor) in map where name != "default" {
                guard let layer = Int(name) else {
                    throw ConfigurationError(
                        field: "",
                        problem: "'\(name)' is neither a layer number nor \"default\""
                    )
                }
                byLayer[layer] = factor
            }
        }
        for factor in [standard].compactMap(\.self) + byLayer.values
        where !(factor > 0 && factor.isFinite) {
            throw ConfigurationError(field: "", problem: "must be positive, found \(factor)")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if byLayer.isEmpty, let standard {
            try container.encode(standard)
        } else {
            var map = Dictionary(uniqueKeysWithValues: byLayer.map { (String($0.key), $0.value) })
            map["default"] = standard
            try container.encode(map)
        }
    }
}

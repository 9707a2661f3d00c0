internal import GraftLayers

// Names and defaults are those of `adapters` 1.3.0, `configuration/adapter_config.py`.
extension PrefixTuning: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case actsInEncoder = "encoder_prefix"
        case actsAcross = "cross_prefix"
        case leaveOut = "leave_out"
        case isFlat = "flat"
        case length = "prefix_length"
        case bottleneckSize = "bottleneck_size"
        case activation = "non_linearity"
        case dropout
        case isGated = "use_gating"
        case sharesGate = "shared_gating"
        case startSeed = "init_weights_seed"
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        actsInEncoder = try fields.value(.actsInEncoder, default: actsInEncoder)
        actsAcross = try fields.value(.actsAcross, default: actsAcross)
        leaveOut = try fields.value(.leaveOut, default: leaveOut)
        isFlat = try fields.value(.isFlat, default: isFlat)
        length = try fields.positive(.length, default: length)
        bottleneckSize = try fields.positive(.bottleneckSize, default: bottleneckSize)
        activation = try fields.value(.activation, default: activation)
        dropout = try fields.probability(.dropout, default: dropout)
        isGated = try fields.value(.isGated, default: isGated)
        sharesGate = try fields.value(.sharesGate, default: sharesGate)
        startSeed = try fields.optional(.startSeed)
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(actsInEncoder, forKey: .actsInEncoder)
        try fields.encode(actsAcross, forKey: .actsAcross)
        try fields.encode(leaveOut.sorted(), forKey: .leaveOut)
        try fields.encode(isFlat, forKey: .isFlat)
        try fields.encode(length, forKey: .length)
        try fields.encode(bottleneckSize, forKey: .bottleneckSize)
        try fields.encode(activation, forKey: .activation)
        try fields.encode(dropout, forKey: .dropout)
        try fields.encode(isGated, forKey: .isGated)
        try fields.encode(sharesGate, forKey: .sharesGate)
        try fields.encode(startSeed, forKey: .startSeed)
    }
}

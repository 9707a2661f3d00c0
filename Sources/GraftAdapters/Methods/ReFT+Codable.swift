internal import GraftLayers

// Names and defaults are those of `adapters` 1.3.0, `configuration/adapter_config.py`, which does
// not store `subtract_projection`, so that its DiReFT comes back as NoReFT.
extension ReFT: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case layers
        case prefixPositions = "prefix_positions"
        case suffixPositions = "suffix_positions"
        case rank = "r"
        case isOrthogonal = "orthogonality"
        case tiesPositions = "tied_weights"
        case subtractsProjection = "subtract_projection"
        case dropout
        case activation = "non_linearity"
        case startSeed = "init_weights_seed"
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        layers = try fields.value(.layers, default: LayerChoice(layers: nil)).layers
        prefixPositions = try fields.value(.prefixPositions, default: prefixPositions)
        suffixPositions = try fields.value(.suffixPositions, default: suffixPositions)
        rank = try fields.positive(.rank, default: rank)
        isOrthogonal = try fields.required(.isOrthogonal)
        tiesPositions = try fields.value(.tiesPositions, default: tiesPositions)
        subtractsProjection = try fields.value(.subtractsProjection, default: true)
        dropout = try fields.probability(.dropout, default: dropout)
        activation = try fields.optional(.activation)
        startSeed = try fields.optional(.startSeed)
        for (key, value) in [
            (CodingKeys.prefixPositions, prefixPositions), (.suffixPositions, suffixPositions),
        ] where value < 0 {
            throw fields.invalid(key, "must not be negative, found \(value)")
        }
        guard prefixPositions + suffixPositions > 0 else {
            throw fields.invalid(
                .prefixPositions,
                "there are no positions at all (hint: prefix_positions=3)"
            )
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(LayerChoice(layers: layers), forKey: .layers)
        try fields.encode(prefixPositions, forKey: .prefixPositions)
        try fields.encode(suffixPositions, forKey: .suffixPositions)
        try fields.encode(rank, forKey: .rank)
        try fields.encode(isOrthogonal, forKey: .isOrthogonal)
        try fields.encode(tiesPositions, forKey: .tiesPositions)
        try fields.encode(subtractsProjection, forKey: .subtractsProjection)
        try fields.encode(dropout, forKey: .dropout)
        try fields.encode(activation, forKey: .activation)
        try fields.encode(startSeed, forKey: .startSeed)
    }
}

/// `"all"` or a list of layers.
private struct LayerChoice: Codable {
    let layers: Set<Int>?

    init(layers: Set<Int>?) { self.layers = layers }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if (try? container.decode(String.self)) == "all" {
            layers = nil
        } else if let list = try? container.decode(Set<Int>.self), !list.isEmpty {
            layers = list
        } else {
            throw ConfigurationError(field: "", problem: "expected \"all\" or a list of layers")
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let layers {
            try container.encode(layers.sorted())
        } else {
            try container.encode("all")
        }
    }
}

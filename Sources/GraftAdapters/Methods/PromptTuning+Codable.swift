internal import GraftLayers

// Names and defaults are those of `adapters` 1.3.0, `configuration/adapter_config.py`, which has
// `random_uniform_scale` too but does not store it, and no `prompt_init_ids`.
extension PromptTuning: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case length = "prompt_length"
        case start = "prompt_init"
        case startText = "prompt_init_text"
        case startTokens = "prompt_init_ids"
        case randomScale = "random_uniform_scale"
        case place = "combine"
        case startSeed = "init_weights_seed"
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        length = try fields.positive(.length, default: length)
        start = try fields.value(.start, default: start)
        startText = try fields.optional(.startText)
        startTokens = try fields.optional(.startTokens)
        randomScale = try fields.value(.randomScale, default: randomScale)
        place = try fields.value(.place, default: place)
        startSeed = try fields.optional(.startSeed)
        guard randomScale > 0, randomScale.isFinite else {
            throw fields.invalid(.randomScale, "must be positive, found \(randomScale)")
        }
        if start == .text {
            guard startText != nil || startTokens != nil else {
                throw fields.invalid(
                    .start,
                    "\"from_string\" needs a text (hint: prompt_init_text=\"rate the film\")"
                )
            }
            guard startTokens?.isEmpty != true else {
                throw fields.invalid(.startTokens, "must not be empty")
            }
        } else if startText != nil || startTokens != nil {
            throw fields.invalid(
                startText == nil ? .startTokens : .startText,
                "is for prompt_init=from_string alone"
            )
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(length, forKey: .length)
        try fields.encode(start, forKey: .start)
        try fields.encode(startText, forKey: .startText)
        try fields.encode(startTokens, forKey: .startTokens)
        try fields.encode(randomScale, forKey: .randomScale)
        try fields.encode(place, forKey: .place)
        try fields.encode(startSeed, forKey: .startSeed)
    }
}

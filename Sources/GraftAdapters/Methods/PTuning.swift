public import GraftLayers
internal import GraftTorch

/// P-tuning: vectors among the tokens of every row that an MLP makes of trained ones.
///
/// The vectors stand where those of ``PromptTuning`` do, behind the embeddings' norm and without
/// positions. `peft` puts them in front of both; the two are the same in models which have neither, such as
/// Llama. The MLP has two hidden layers of `encoder_hidden_size` (default: the model's hidden size) with
/// ReLU; the LSTM of the paper is refused.
///
/// Parameters: `<embeddings site>.embedding` and `<embeddings site>.mlp.{0,1,2}.{weight,bias}`.
///
/// Reference: Liu et al., [GPT Understands, Too](https://arxiv.org/abs/2103.10385); the MLP is that of
/// `peft` 0.21.2 (`tuners/p_tuning/model.py`), names too.
public struct PTuning: AdapterMethod, Hashable {
    public static let identifier = "p_tuning"

    /// Vectors in every row.
    public var length = 20
    /// The width of the MLP's hidden layers; `nil` for the model's own.
    public var innerSize: Int?
    /// Where the vectors stand.
    public var place = PromptTuning.Place.front
    /// A seed for the start values instead of the run's.
    public var startSeed: UInt64?

    public static let presets: KeyValuePairs<String, PTuning> = ["p_tuning": PTuning()]

    private init() {}

    public var defaultLearningRate: Double { 1e-3 }

    public func attach(
        to target: EmbeddingSite,
        _ scope: ParameterScope
    ) throws -> (any EmbeddingAdapter)? {
        let inner = innerSize ?? target.size
        let sizes = [target.size, inner, inner, target.size]
        return EncodedPrompt(
            embedding: try scope.parameter(
                "embedding",
                shape: [length, target.size],
                initial: .normal(deviation: 1).seeded(startSeed)
            ),
            layers: try (0..<3).map { index in
                let start = Initializer.kaimingUniform(fanIn: sizes[index]).seeded(startSeed)
                return try Linear(
                    sizes[index],
                    sizes[index + 1],
                    scope / "mlp" / index,
                    weightStart: start,
                    biasStart: start
                )
            },
            position: place == .front ? 0 : 1
        )
    }
}

extension PTuning: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case length = "num_virtual_tokens"
        case innerSize = "encoder_hidden_size"
        case encoder = "encoder_reparameterization_type"
        case place = "combine"
        case startSeed = "init_weights_seed"
    }

    private static let encoder = "MLP"

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        length = try fields.positive(.length, default: length)
        innerSize = try fields.optional(.innerSize)
        place = try fields.value(.place, default: place)
        startSeed = try fields.optional(.startSeed)
        if let innerSize, innerSize < 1 {
            throw fields.invalid(.innerSize, "must be positive, found \(innerSize)")
        }
        let encoder = try fields.value(.encoder, default: PTuning.encoder)
        guard encoder == PTuning.encoder else {
            throw fields.invalid(.encoder, "'\(encoder)' is not supported (hint: MLP)")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(length, forKey: .length)
        try fields.encode(innerSize, forKey: .innerSize)
        try fields.encode(PTuning.encoder, forKey: .encoder)
        try fields.encode(place, forKey: .place)
        try fields.encode(startSeed, forKey: .startSeed)
    }
}

/// Vectors that an MLP makes of trained ones, among the tokens of every row.
private struct EncodedPrompt: EmbeddingAdapter {
    let embedding: Tensor  // [prompt, hidden]
    let layers: [Linear]
    let position: Int

    func callAsFunction(
        _ embedded: Tensor,
        at site: Site,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor {
        // In generation the prompt went in with the row's first tokens.
        if let cache = context.cache, !cache.isEmpty { return embedded }
        let first = try layers[0](embedding).relu()
        let second = try layers[1](first).relu()
        return try context.insert(layers[2](second), into: embedded, at: position)
    }
}

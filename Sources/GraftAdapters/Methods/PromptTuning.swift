public import GraftLayers
internal import GraftTorch

/// Prompt tuning: trained vectors that the blocks read as further tokens of every row.
///
/// They follow the embeddings' norm and take no positions. With `combine=prefix` they stand in front
/// of the row, so that a head on the first token reads the first of them; with `prefix_after_bos`
/// they stand behind the row's first token, which the head then reads. Predictions for tokens, and
/// means over a row, are of the row's own tokens. The head of the reference is no different.
///
/// Parameter: `<embeddings site>.prompt`.
///
/// Reference: Lester et al., [Prompt Tuning](https://arxiv.org/abs/2104.08691). Numerically this is
/// `adapters` 1.3.0 (`methods/prompt_tuning.py`).
public struct PromptTuning: AdapterMethod, Hashable {
    public static let identifier = "prompt_tuning"

    public static var trainingSettings: Set<String> {
        [
            "prompt_init", "prompt_init_text", "prompt_init_ids", "random_uniform_scale",
            "init_weights_seed",
        ]
    }

    /// How new vectors start.
    public enum Start: String, Sendable, Hashable, Codable, CaseIterable {
        /// Spread evenly over ±``PromptTuning/randomScale``.
        case random = "random_uniform"
        /// As the embeddings of a text's words, repeated until they are enough.
        case text = "from_string"
    }

    /// Where the vectors stand.
    public enum Place: String, Sendable, Hashable, Codable, CaseIterable {
        /// In front of the row.
        case front = "prefix"
        /// Behind the row's first token.
        case afterFirst = "prefix_after_bos"
    }

    /// Vectors in every row.
    public var length = 10
    /// How they start.
    public var start = Start.random
    /// The text that they start as.
    public var startText: String?
    /// The tokens of ``startText``, the model's special ones included.
    public var startTokens: [Int32]?
    /// The limit of random starts.
    public var randomScale = 0.5
    /// Where they stand.
    public var place = Place.front
    /// A seed for random starts instead of the run's.
    public var startSeed: UInt64?

    public static let presets: KeyValuePairs<String, PromptTuning> = [
        "prompt_tuning": PromptTuning()
    ]

    init() {}

    public var defaultLearningRate: Double { 1e-2 }

    public func prepared(encode: (String) throws -> [Int32]) throws -> PromptTuning {
        guard start == .text, startTokens == nil, let startText else { return self }
        var method = self
        let tokens = try encode(startText)
        guard !tokens.isEmpty else {
            throw ConfigurationError(
                field: "prompt_init_text",
                problem: "'\(startText)' has no tokens"
            )
        }
        method.startTokens = tokens
        return method
    }

    public func attach(
        to target: EmbeddingSite,
        _ scope: ParameterScope
    ) throws -> (any EmbeddingAdapter)? {
        let prompt = try scope.parameter(
            "prompt",
            shape: [length, target.size],
            initial: initial(for: target)
        )
        return Prompt(prompt: prompt, position: place == .front ? 0 : 1)
    }

    /// How the vectors start in front of a model's embeddings.
    private func initial(for target: EmbeddingSite) throws -> Initializer {
        switch start {
        case .random:
            return .uniform(bound: randomScale).seeded(startSeed)
        case .text:
            // A stored prompt needs no text.
            guard let startTokens else { return .stored }
            guard let words = target.words else {
                throw ConfigurationError(
                    field: "prompt_init",
                    problem: "a model of images has no words to start from"
                        + " (hint: prompt_init=random_uniform)"
                )
            }
            let (entries, width) = (words.size(0), words.size(1))
            if let stranger = startTokens.first(where: { !(0..<entries).contains(Int($0)) }) {
                throw ConfigurationError(
                    field: "prompt_init_ids",
                    problem: "there is no token \(stranger) (this model has 0 ... \(entries - 1))"
                )
            }
            guard width == target.size else {
                throw ConfigurationError(
                    field: "prompt_init",
                    problem: "word embeddings of \(width) do not start hidden states of"
                        + " \(target.size) (hint: prompt_init=random_uniform)"
                )
            }
            let repeated = (0..<length).map { Int64(startTokens[$0 % startTokens.count]) }
            return .copy(try words.selecting(Tensor(repeated)))
        }
    }
}

/// Vectors that stand among the tokens of every row.
private struct Prompt: EmbeddingAdapter {
    let prompt: Tensor  // [prompt, hidden]
    let position: Int

    func callAsFunction(
        _ embedded: Tensor,
        at site: Site,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor {
        try context.insert(prompt, into: embedded, at: position)
    }
}

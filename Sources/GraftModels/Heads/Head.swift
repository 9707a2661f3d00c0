public import GraftLayers
public import GraftTorch

/// What a head predicts.
public enum HeadKind: String, Sendable, Hashable, Codable, CaseIterable {
    /// One of several classes for each row.
    case classification
    /// Any number of classes for each row.
    case multiLabel = "multilabel"
    /// A number for each row.
    case regression
    /// One of several classes for each token.
    case tagging
    /// Which text belongs to an image: a place in a common space for both of a pair, without a head of its own.
    case imageText = "image-text"
    /// The next token, behind each token, which the model's own vocabulary answers.
    case causalLM = "causal-lm"
    /// A text that answers another, which a decoder writes and the model's own vocabulary scores.
    case seq2seq
    /// Where in a text the answer to a question begins and ends: two scores for each token.
    case questionAnswering = "question-answering"
    /// Which of several texts is to follow another: a score for each.
    case multipleChoice = "multiple-choice"

    /// Whether outputs are classes with names.
    public var hasClasses: Bool {
        switch self {
        case .classification, .multiLabel, .tagging: true
        case .regression, .imageText, .causalLM, .seq2seq, .questionAnswering, .multipleChoice:
            false
        }
    }

    /// Whether the model writes text, and no head of its own is trained.
    public var writesText: Bool { self == .causalLM || self == .seq2seq }

    /// Whether each token has an answer of its own, not the row as one.
    public var answersTokens: Bool {
        self == .tagging || self == .questionAnswering || writesText
    }

    /// How many outputs every head of this kind has; `nil` where that depends on the classes or the model.
    public var outputCount: Int? {
        switch self {
        case .regression, .multipleChoice: 1
        case .questionAnswering: 2
        case .classification, .multiLabel, .tagging, .imageText, .causalLM, .seq2seq: nil
        }
    }

    /// Whether rows can be texts alone, never pictures.
    public var isOfTexts: Bool { answersTokens || self == .multipleChoice }

    /// Whether there are layers of a head to train.
    public var hasLayers: Bool { self != .imageText && !writesText }
}

/// What a head reads of a row.
public enum Pooling: String, Sendable, Hashable, Codable, CaseIterable {
    /// The hidden state of the first token.
    case first
    /// The hidden state of the last token, the one that has seen all others in a causal model.
    case last
    /// What the model's own pooler makes of the first token.
    case pooler
    /// The mean of all tokens' hidden states.
    case mean
}

/// The shape of a head.
public struct HeadConfiguration: Sendable, Hashable, Codable {
    /// What is predicted.
    public var kind: HeadKind
    /// Outputs: classes, or as many as the kind has.
    public var outputCount: Int
    /// Linear layers, with the activation between them.
    public var layers: Int
    /// The function between linear layers.
    public var activation: Activation
    /// What the head reads of a row.
    public var pooling: Pooling
    /// Dropout before each linear layer; the model's own by default.
    public var dropout: Double?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case kind
        case outputCount = "outputs"
        case layers, activation, pooling, dropout
    }

    /// A head as in `adapters` 1.3.0: two layers, tanh, on the first token; one layer where each token has an answer, and
    /// none where the model's vocabulary answers.
    ///
    /// - Parameters:
    ///   - kind: What is predicted.
    ///   - outputCount: Classes, or as many as the kind has.
    ///   - pooling: What the head reads of a row; causal models have ``ModelShape/defaultPooling``.
    public init(_ kind: HeadKind, outputCount: Int, pooling: Pooling = .first) {
        self.kind = kind
        self.outputCount = outputCount
        layers = !kind.hasLayers ? 0 : kind.answersTokens ? 1 : 2
        activation = .tanh
        self.pooling = pooling
        dropout = nil
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        self.init(try fields.required(.kind), outputCount: try fields.required(.outputCount))
        layers = try fields.value(.layers, default: layers)
        activation = try fields.value(.activation, default: activation)
        pooling = try fields.value(.pooling, default: pooling)
        dropout = try fields.optional(.dropout)
        guard outputCount > 0 else { throw fields.invalid(.outputCount, "must be positive") }
        guard layers > 0 || (!kind.hasLayers && layers == 0) else {
            throw fields.invalid(.layers, "must be positive, found \(layers)")
        }
        if let dropout, !(0..<1).contains(dropout) {
            throw fields.invalid(.dropout, "must be in 0 ..< 1, found \(dropout)")
        }
        if let fixed = kind.outputCount, fixed != outputCount {
            throw fields.invalid(
                .outputCount,
                "a \(kind.rawValue) head has \(fixed), found \(outputCount)"
            )
        }
    }
}

/// A prediction head: dropout and trainable linear layers with an activation between them, or the
/// model's own vocabulary.
///
/// Reference: `adapters` 1.3.0, `heads/base.py`, `PredictionHead.build`.
public struct Head: Sendable {
    /// The shape of the head.
    public let configuration: HeadConfiguration
    /// The model whose vocabulary answers, where it writes text.
    public let writer: (any LanguageModel)?
    private let layers: [Linear]
    private let dropout: Double

    /// Asks `scope` for the layers `0`, `1`, ...
    ///
    /// - Throws: `ConfigurationError` if the head needs a pooler that the model lacks or reads the
    ///   first token of a causal model, or what the scope throws.
    public init(
        _ configuration: HeadConfiguration,
        model: ModelShape,
        _ scope: ParameterScope
    ) throws {
        try configuration.checkPooling(model)
        self.configuration = configuration
        writer = nil
        dropout = configuration.dropout ?? model.headDropout
        layers = try (0..<configuration.layers).map { index in
            let isLast = index == configuration.layers - 1
            return try Linear(
                model.hiddenSize,
                isLast ? configuration.outputCount : model.hiddenSize,
                scope / index,
                weightStart: .normal(deviation: model.initializerRange),
                biasStart: .zeros
            )
        }
    }

    /// The vocabulary of a model, with nothing to train.
    ///
    /// - Throws: `ConfigurationError` if the checkpoint is of a base model without vocabulary projection.
    public init(_ configuration: HeadConfiguration, writer: any LanguageModel) throws {
        guard writer.vocabulary != nil else {
            throw ConfigurationError(
                field: "task",
                problem:
                    "'\(configuration.kind.rawValue)' needs the projection to the vocabulary, which"
                    + " this checkpoint lacks (hint: it was saved from a base model alone)"
            )
        }
        self.configuration = configuration
        self.writer = writer
        (layers, dropout) = ([], 0)
    }

    /// Which hidden states the head reads.
    public var wanted: WantedTokens {
        configuration.kind.answersTokens ? .all : configuration.pooling.wanted
    }

    /// Computes logits: [rows, outputs], or [tokens, outputs] where each token has an answer.
    public func callAsFunction(
        _ output: EncoderOutput,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        if let writer {
            return try writer.scores(output.hidden, in: context).converted(to: .float32)
        }
        var context = context
        context.layout = output.layout
        var x = output.hidden
        if !configuration.kind.answersTokens {
            x = try output.pooled(by: configuration.pooling)
            context.layout = try output.layout.keepingFirstTokens().layout
        }
        x = try x.converted(to: .float32)
        for (index, layer) in layers.enumerated() {
            // Roles have no meaning in a head; the layer number keeps the masks apart.
            x = try context.dropout(x, dropout, at: Site(.encoder, layer: index, .down), "head")
            x = try layer(x)
            if index < layers.count - 1 { x = try configuration.activation(x) }
        }
        return x
    }
}

extension Pooling {
    /// The tokens whose states are read.
    package var wanted: WantedTokens {
        switch self {
        case .first, .pooler: .first
        case .last: .last
        case .mean: .all
        }
    }
}

extension EncoderOutput {
    /// One vector for each row, [rows, hidden].
    package func pooled(by pooling: Pooling) throws(TorchError) -> Tensor {
        switch pooling {
        case .mean: return try layout.rowMeans(hidden)
        case .pooler:
            guard let pooled = try pooled() else {
                throw TorchError(
                    kind: .invalidArgument,
                    operation: "pooling",
                    message: "the pooler is wanted, which this model does not have"
                )
            }
            return pooled
        case .first:
            return try firstTokens()
        case .last:
            return try layout.keepingLastTokens()(hidden)
        }
    }
}

extension HeadConfiguration {
    /// Confirms that a model has what the head reads of a row.
    fileprivate func checkPooling(_ model: ModelShape) throws(ConfigurationError) {
        func refusal(_ problem: String) -> ConfigurationError {
            ConfigurationError(field: "pooling", problem: problem)
        }
        guard !kind.answersTokens else {
            guard [.first, model.defaultPooling].contains(pooling) else {
                throw refusal("a \(kind.rawValue) head reads every token and pools nothing")
            }
            return
        }
        if model.isCausal, pooling == .first || pooling == .pooler {
            throw refusal(
                "'\(pooling.rawValue)' reads the first token, which in a \(model.family) model"
                    + " has seen no other (hint: use last or mean)"
            )
        }
        if pooling == .pooler, !model.hasPooler {
            throw refusal("this model has no pooler (hint: use first or mean)")
        }
    }
}

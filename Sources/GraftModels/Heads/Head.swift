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

    /// Whether outputs are classes with names.
    public var hasClasses: Bool { self != .regression && self != .imageText }
}

/// What a head reads of a row.
public enum Pooling: String, Sendable, Hashable, Codable, CaseIterable {
    /// The hidden state of the first token.
    case first
    /// What the model's own pooler makes of the first token.
    case pooler
    /// The mean of all tokens' hidden states.
    case mean
}

/// The shape of a head.
public struct HeadConfiguration: Sendable, Hashable, Codable {
    /// What is predicted.
    public var kind: HeadKind
    /// Outputs: classes, or 1 for regression.
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

    /// A head as in `adapters` 1.3.0: two layers, tanh, on the first token; one layer for tagging.
    public init(_ kind: HeadKind, outputCount: Int) {
        self.kind = kind
        self.outputCount = outputCount
        layers = kind == .imageText ? 0 : kind == .tagging ? 1 : 2
        activation = .tanh
        pooling = .first
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
        guard layers > 0 || (kind == .imageText && layers == 0) else {
            throw fields.invalid(.layers, "must be positive, found \(layers)")
        }
        if let dropout, !(0..<1).contains(dropout) {
            throw fields.invalid(.dropout, "must be in 0 ..< 1, found \(dropout)")
        }
        guard kind != .regression || outputCount == 1 else {
            throw fields.invalid(.outputCount, "a regression head has 1, found \(outputCount)")
        }
    }
}

/// A trainable prediction head: dropout and linear layers with an activation between them.
///
/// Reference: `adapters` 1.3.0, `heads/base.py`, `PredictionHead.build`.
public struct Head: Sendable {
    /// The shape of the head.
    public let configuration: HeadConfiguration
    private let layers: [Linear]
    private let dropout: Double

    /// Asks `scope` for the layers `0`, `1`, ...
    ///
    /// - Throws: `ConfigurationError` if the head needs a pooler that the model lacks, or what the
    ///   scope throws.
    public init(
        _ configuration: HeadConfiguration,
        model: ModelShape,
        _ scope: ParameterScope
    ) throws {
        guard configuration.pooling != .pooler || model.hasPooler else {
            throw ConfigurationError(
                field: "pooling",
                problem: "this model has no pooler (hint: use first or mean)"
            )
        }
        guard configuration.kind != .tagging || configuration.pooling == .first else {
            throw ConfigurationError(
                field: "pooling",
                problem: "a tagging head reads every token and pools nothing"
            )
        }
        self.configuration = configuration
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

    /// Which hidden states the head reads.
    public var wanted: WantedTokens {
        configuration.kind == .tagging || configuration.pooling == .mean ? .all : .first
    }

    /// Computes logits: [rows, outputs], or [tokens, outputs] for tagging.
    public func callAsFunction(
        _ output: EncoderOutput,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        var context = context
        context.layout = output.layout
        var x = output.hidden
        if configuration.kind != .tagging {
            x = try pool(output)
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

    private func pool(_ output: EncoderOutput) throws(TorchError) -> Tensor {
        switch configuration.pooling {
        case .mean: return try output.layout.rowMeans(output.hidden)
        case .pooler:
            guard let pooled = try output.pooled() else {
                throw TorchError(
                    kind: .invalidArgument,
                    operation: "head",
                    message: "the head reads the pooler, which this model does not have"
                )
            }
            return pooled
        case .first:
            return try output.firstTokens()
        }
    }
}

public import GraftLayers

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
    /// What answers at the place of an image in a CLIP model's space, instead of layers.
    public let features: FeatureHead?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case kind
        case outputCount = "outputs"
        case layers, activation, pooling, dropout, features
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
        features = nil
    }

    /// A classifier of images by their places in a CLIP model's space.
    ///
    /// - Parameters:
    ///   - features: What answers there.
    ///   - classCount: The number of classes.
    public init(_ features: FeatureHead, classCount: Int) {
        (kind, outputCount, layers) = (.classification, classCount, 0)
        (activation, pooling, dropout) = (.tanh, .pooler, nil)
        self.features = features
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        let kind: HeadKind = try fields.required(.kind)
        let outputCount: Int = try fields.required(.outputCount)
        if let features = try fields.optional(.features, as: FeatureHead.self) {
            self.init(features, classCount: outputCount)
            guard kind == .classification else {
                throw fields.invalid(.features, "a \(kind.rawValue) head has none")
            }
            guard !fields.contains(.dropout) else {
                throw fields.invalid(.dropout, "goes with layers, not with features")
            }
            guard try fields.value(.pooling, default: Pooling.pooler) == .pooler else {
                throw fields.invalid(.pooling, "must be 'pooler' with features")
            }
        } else {
            self.init(kind, outputCount: outputCount)
        }
        layers = try fields.value(.layers, default: layers)
        activation = try fields.value(.activation, default: activation)
        pooling = try fields.value(.pooling, default: pooling)
        dropout = try fields.optional(.dropout)
        guard (1...Int(Int32.max)).contains(outputCount) else {
            throw fields.invalid(.outputCount, "must be positive, found \(outputCount)")
        }
        guard hasLayers ? (1...64).contains(layers) : layers == 0 else {
            let wanted = hasLayers ? "from 1 to 64" : "0, since another part answers"
            throw fields.invalid(.layers, "must be \(wanted), found \(layers)")
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

extension HeadConfiguration {
    /// Whether there are linear layers.
    private var hasLayers: Bool { kind.hasLayers && features == nil }

    /// Confirms that a model has what the head reads of a row.
    func checkPooling(_ model: ModelShape) throws(ConfigurationError) {
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

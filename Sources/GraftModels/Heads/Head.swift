public import GraftLayers
public import GraftTorch

/// A prediction head: dropout and trainable linear layers with an activation between them, the
/// model's own vocabulary, or what stands at an image's place in a CLIP model's space.
///
/// Reference: `adapters` 1.3.0, `heads/base.py`, `PredictionHead.build`.
public struct Head: Sendable {
    /// The shape of the head.
    public let configuration: HeadConfiguration
    private let answer: Answer

    private enum Answer: Sendable {
        case layers([Linear], dropout: Double)
        case vocabulary(any LanguageModel)
        case features(any FeatureClassifier, NamedClasses, any ImageTextModel)
    }

    /// The model whose vocabulary answers, where it writes text.
    public var writer: (any LanguageModel)? {
        if case .vocabulary(let writer) = answer { writer } else { nil }
    }

    /// Asks `scope` for the layers `0`, `1`, ...
    ///
    /// - Throws: `ConfigurationError` if the head needs a pooler that the model lacks or reads the
    ///   first token of a causal model, or what the scope throws.
    public init(
        _ configuration: HeadConfiguration,
        model: ModelShape,
        _ scope: ParameterScope
    ) throws {
        precondition(configuration.features == nil, "features are read from a whole model")
        try configuration.checkPooling(model)
        self.configuration = configuration
        let layers = try (0..<configuration.layers).map { index in
            let isLast = index == configuration.layers - 1
            return try Linear(
                model.hiddenSize,
                isLast ? configuration.outputCount : model.hiddenSize,
                scope / index,
                weightStart: .normal(deviation: model.initializerRange),
                biasStart: .zeros
            )
        }
        answer = .layers(layers, dropout: configuration.dropout ?? model.headDropout)
    }

    /// Asks `scope` for the places of classes, `classes`, and for the tensors of `features`.
    ///
    /// - Throws: What the scope throws; `TorchError` if the model's scale cannot be read.
    package init(
        _ configuration: HeadConfiguration,
        _ features: FeatureHead,
        of model: any ImageTextModel,
        _ scope: ParameterScope
    ) throws {
        let (count, width) = (configuration.outputCount, model.embeddingSize)
        let classes = NamedClasses(
            places: try scope.parameter("classes", shape: [count, width]),
            scale: try model.scale
        )
        let classifier = try features.classifier(classCount: count, width: width, scope)
        self.configuration = configuration
        answer = .features(classifier, classes, model)
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
        answer = .vocabulary(writer)
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
        switch answer {
        case .layers(let layers, let dropout):
            try scores(output, layers, dropout, in: context)
        case .vocabulary(let writer):
            try writer.scores(output.hidden, in: context).converted(to: .float32)
        case .features(let classifier, let classes, let model):
            try classifier.logits(
                model.embedding(ofPooled: output.pooled(by: .pooler)).converted(to: .float32),
                classes: classes
            )
        }
    }

    private func scores(
        _ output: EncoderOutput,
        _ layers: [Linear],
        _ dropout: Double,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
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

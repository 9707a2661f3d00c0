public import GraftAdapters
public import GraftLayers
public import GraftModels
public import GraftTorch

/// A frozen model with one adapter and its head.
public struct AdaptedModel: Sendable {
    /// The model; the frozen one unless the method trains it.
    public let encoder: any Tower
    /// What acts at the sites.
    public let adapters: SiteAdapters
    /// What turns hidden states into answers.
    public let head: Head
    /// The model, where rows are pairs of an image and a text and both towers are read.
    let pairModel: (any ImageTextModel)?
    /// What the encoder is, but for what the method trains of it.
    let base: BaseModel
    /// Whether the model itself is trained, so that no other adapter can share it.
    let trainsBase: Bool

    /// Attaches a method and a head.
    ///
    /// - Parameters:
    ///   - base: The frozen model.
    ///   - method: What acts in it.
    ///   - head: What reads its hidden states.
    ///   - scope: Where parameters come from: `adapter.<site>`, `head.<layer>` and, if the model is
    ///     trained, `base`.
    /// - Throws: `ConfigurationError` if the method does not fit the model; ``TrainingError`` if it
    ///   acts nowhere in it; or what the scope throws.
    public init(
        _ base: BaseModel,
        method: any AdapterMethod,
        head: HeadConfiguration,
        _ scope: ParameterScope
    ) throws {
        if head.kind.writesText, let setting = method.settingThatLooksAhead {
            throw ConfigurationError(
                field: setting,
                problem:
                    "lets a token depend on those behind it, so that a model that learns to write"
                    + " would see what it is to write (hint: leave it out for \(head.kind.rawValue))"
            )
        }
        let model = method.trainsBase ? try base.retrained(in: scope / "base") : base.model
        encoder = method.trainsBase ? try BaseModel.tower(of: model) : base.encoder
        if head.kind == .imageText {
            _ = try base.imageTextModel
            pairModel = model as? any ImageTextModel
        } else {
            pairModel = nil
        }
        adapters = try method.attached(
            to: pairModel?.sites ?? encoder.sites,
            scope / "adapter"
        )
        // A method that acts nowhere would leave the head alone without a word.
        guard !adapters.sites.isEmpty || method.trainsBase || method is HeadOnly else {
            throw TrainingError.nothingToTrain(
                method: type(of: method).identifier,
                family: base.shape.family
            )
        }
        self.head = try AdaptedModel.head(head, of: model, scope / "head")
        self.base = base
        trainsBase = method.trainsBase
    }

    private static func head(
        _ configuration: HeadConfiguration,
        of model: any Model,
        _ scope: ParameterScope
    ) throws -> Head {
        guard !configuration.kind.writesText else {
            return try Head(configuration, writer: configuration.kind.writer(model))
        }
        guard let features = configuration.features else {
            return try Head(configuration, model: model.shape, scope)
        }
        guard let model = model as? any ImageTextModel else {
            throw ConfigurationError(
                field: "features",
                problem: "are of a CLIP model, which a \(model.shape.family) model is not"
            )
        }
        return try Head(configuration, features, of: model, scope)
    }

    /// Where the model lives.
    var device: Device { base.device }

    /// Lays the frozen weights out where rows are so many that it pays.
    func pack(for rows: EncodedRows) throws {
        if !trainsBase { try base.pack(for: rows, under: head.configuration.kind) }
    }

    /// Computes logits: [rows, outputs], or [tokens, outputs] where each token has an answer.
    ///
    /// For pairs of an image and a text these are the places of both, as
    /// `ImageTextModel.pairEmbeddings(_:adapters:dropoutSeed:)` gives them.
    ///
    /// - Parameters:
    ///   - batch: Rows of what the model reads.
    ///   - dropoutSeed: What dropout depends on, in training; `nil` otherwise.
    ///   - trunk: The states below what is trained, where they are known.
    /// - Returns: Unscaled scores: float32.
    /// - Throws: `TorchError`, of kind `invalidArgument` if a row is longer than the model's
    ///   positions.
    public func logits(
        _ batch: any RaggedBatch,
        dropoutSeed: UInt64? = nil,
        trunk: Trunk? = nil
    ) throws(TorchError) -> Tensor {
        if let pairModel {
            return try pairModel.pairEmbeddings(
                AdaptedModel.pairs(batch),
                adapters: adapters,
                dropoutSeed: dropoutSeed
            )
        }
        let context = ForwardContext(
            layout: batch.layout,
            adapters: adapters,
            dropoutSeed: dropoutSeed
        )
        let output = try encoder(batch, in: context, wanted: head.wanted, trunk: trunk)
        return try head(output, in: context)
    }

    /// The last hidden states with some adapters in place of the model's own; of pairs, their places.
    func states(
        _ batch: any RaggedBatch,
        with adapters: SiteAdapters
    ) throws(TorchError) -> Tensor {
        if let pairModel {
            return try pairModel.pairEmbeddings(AdaptedModel.pairs(batch), adapters: adapters)
        }
        let context = ForwardContext(layout: batch.layout, adapters: adapters)
        return try encoder(batch, in: context, wanted: .all).hidden
    }

    /// The number of blocks below everything that acts, whose states may be kept over epochs.
    var trunkDepth: Int { pairModel == nil ? encoder.trunkDepth(below: adapters) : 0 }

    private static func pairs(_ batch: any RaggedBatch) throws(TorchError) -> ImageTextBatch {
        if let batch = batch as? ImageTextBatch { return batch }
        throw TorchError(
            kind: .invalidArgument,
            operation: "pass",
            message: "the model reads pairs of an image and a text, not a \(type(of: batch))"
        )
    }
}

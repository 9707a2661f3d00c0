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
    let device: Device

    /// Attaches a method and a head.
    ///
    /// - Parameters:
    ///   - base: The frozen model.
    ///   - method: What acts in it.
    ///   - head: What reads its hidden states.
    ///   - scope: Where parameters come from: `adapter.<site>`, `head.<layer>` and, if the model is
    ///     trained, `base`.
    /// - Throws: `ConfigurationError` if the method does not fit the model, or what the scope
    ///   throws.
    public init(
        _ base: BaseModel,
        method: any AdapterMethod,
        head: HeadConfiguration,
        _ scope: ParameterScope
    ) throws {
        encoder = method.trainsBase ? try base.retrained(in: scope / "base") : base.encoder
        adapters = try method.attached(to: encoder.sites, scope / "adapter")
        self.head = try Head(head, model: base.shape, scope / "head")
        device = base.device
    }

    /// Computes logits: [rows, outputs], or [tokens, outputs] for tagging.
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
        let context = ForwardContext(
            layout: batch.layout,
            adapters: adapters,
            dropoutSeed: dropoutSeed
        )
        let output = try encoder(batch, in: context, wanted: head.wanted, trunk: trunk)
        return try head(output, in: context)
    }
}

public import GraftLayers
public import GraftTorch

/// A model that says which token comes next.
public protocol LanguageModel: Model {
    /// The projection of last hidden states to scores of all tokens, often the word embeddings
    /// again; `nil` in checkpoints of the base model alone.
    var vocabulary: Linear? { get }
    /// The embeddings whose adapter's change is taken back in front of ``vocabulary``.
    var embeddingSite: Site { get }

    /// What ``vocabulary`` reads: last hidden states as they are in the space of the word embeddings.
    ///
    /// - Parameters:
    ///   - hidden: Last hidden states: [tokens, hidden]
    ///   - context: What acts.
    /// - Returns: [tokens, hidden]
    /// - Throws: `TorchError` if shapes do not fit.
    func vocabularyInput(_ hidden: Tensor, in context: ForwardContext) throws(TorchError) -> Tensor

    /// Begins rows that the model writes on.
    ///
    /// - Parameters:
    ///   - prompts: The tokens of each row, of which none is empty.
    ///   - adapters: What acts.
    ///   - usesCache: Whether keys and values are kept from step to step; if `nil`, where adapters let them be the same.
    ///   - device: Where to compute.
    /// - Returns: The rows.
    /// - Throws: `TorchError` if a prompt cannot be read.
    func draft(
        _ prompts: [[Int32]],
        adapters: SiteAdapters,
        usesCache: Bool?,
        device: Device
    ) throws(TorchError) -> any Draft
}

extension LanguageModel {
    public func vocabularyInput(
        _ hidden: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        try context.undoEmbeddings(hidden, at: embeddingSite)
    }

    /// Scores every token of the vocabulary as the next one.
    ///
    /// - Parameters:
    ///   - hidden: Last hidden states: [tokens, hidden]
    ///   - context: What acts.
    /// - Returns: Unscaled scores in the model's element type: [tokens, vocabulary]
    /// - Throws: `TorchError`, of kind `invalidArgument` if the checkpoint has no such projection.
    public func scores(
        _ hidden: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        guard let vocabulary else {
            throw TorchError(
                kind: .invalidArgument,
                operation: "language model",
                message: "the checkpoint has no output projection"
                    + " (hint: it is of a base model alone)"
            )
        }
        return try vocabulary(vocabularyInput(hidden, in: context))
    }
}

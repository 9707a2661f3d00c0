public import GraftLayers
public import GraftTorch

/// A model that says which token comes next.
public protocol LanguageModel: Model {
    /// The projection of last hidden states to scores of all tokens, often the word embeddings
    /// again; `nil` in checkpoints of the base model alone.
    var vocabulary: Linear? { get }
    /// The embeddings whose adapter's change is taken back in front of ``vocabulary``.
    var embeddingSite: Site { get }
}

extension LanguageModel {
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
        return try vocabulary(context.undoEmbeddings(hidden, at: embeddingSite))
    }
}

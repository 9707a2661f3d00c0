public import GraftLayers
public import GraftTorch

/// Passes over batches of which only the maker knows what they hold: what a tower reads is found out at run time.
extension Tower {
    /// Computes hidden states, as the form for ``Batch`` does.
    ///
    /// - Parameters:
    ///   - batch: Rows of the kind that this tower reads.
    ///   - context: What acts at the sites; its layout is that of `batch`.
    ///   - wanted: Which tokens' last hidden states are needed.
    ///   - trunk: The trunk's states for these rows, with the same adapters and `wanted`.
    /// - Returns: The hidden states that are wanted.
    /// - Throws: `TorchError`, of kind `invalidArgument` if the tower reads other things.
    public func callAsFunction(
        _ batch: any RaggedBatch,
        in context: ForwardContext,
        wanted: WantedTokens,
        trunk: Trunk? = nil
    ) throws(TorchError) -> EncoderOutput {
        try self(own(batch), in: context, wanted: wanted, trunk: trunk)
    }

    /// Computes the hidden states above which something acts, as the form for ``Batch`` does.
    ///
    /// - Parameters:
    ///   - batch: Rows of the kind that this tower reads.
    ///   - context: What acts at the sites.
    ///   - wanted: Which tokens are needed in the end.
    /// - Returns: The trunk's states.
    /// - Throws: As a whole pass.
    public func trunk(
        _ batch: any RaggedBatch,
        in context: ForwardContext,
        wanted: WantedTokens
    ) throws(TorchError) -> Trunk {
        try trunk(own(batch), in: context, wanted: wanted)
    }

    private func own(_ batch: any RaggedBatch) throws(TorchError) -> Batch {
        guard let own = try adopted(batch) else {
            throw TorchError(
                kind: .invalidArgument,
                operation: "pass",
                message: "the model reads a \(Batch.self), not a \(type(of: batch))"
            )
        }
        return own
    }
}

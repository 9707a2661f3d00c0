public import GraftTorch

extension ForwardContext {
    /// Puts the same new tokens into every row, and their places into the layout; nothing into rows
    /// that go on from earlier passes.
    ///
    /// - Parameters:
    ///   - added: The hidden states of the new tokens: [added, hidden]
    ///   - x: The hidden states of the tokens that there are: [tokens, hidden]
    ///   - position: How many of a row's tokens stay in front of the new ones.
    /// - Returns: The hidden states of all tokens: [tokens + rows · added, hidden]
    /// - Throws: `TorchError` if the widths differ.
    public mutating func insert(
        _ added: Tensor,
        into x: Tensor,
        at position: Int
    ) throws(TorchError) -> Tensor {
        // In generation they were put in with the row's first tokens.
        if let cache, !cache.isEmpty { return x }
        let (grown, order, kept) = try layout.inserting(added.size(0), at: position)
        let places = try Tensor(kept)
        ownTokens =
            try ownTokens.map { own throws(TorchError) in try places.selecting(own) }
            ?? places
        layout = grown
        return try Tensor.concatenated([added.converted(to: x.dtype), x])
            .selecting(Tensor(order))
    }
}

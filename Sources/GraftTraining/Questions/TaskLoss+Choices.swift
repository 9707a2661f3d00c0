internal import GraftTorch

extension TaskLoss {
    /// The sum of the losses of answers in texts: the mean of the cross entropies of their first and last tokens.
    ///
    /// - Parameters:
    ///   - logits: [tokens, 2]
    ///   - spans: Where the answer of each row stands.
    ///   - lengths: The tokens of each row.
    /// - Returns: A scalar.
    /// - Throws: `TorchError` if memory runs out.
    func spanEntropy(
        _ logits: Tensor,
        of spans: [TokenSpan],
        lengths: [Int]
    ) throws(TorchError) -> Tensor {
        func entropy(_ column: Int, _ place: (TokenSpan) -> Int32) throws(TorchError) -> Tensor {
            try choiceEntropy(
                logits.narrowed(column..<column + 1, along: 1).reshaped(-1),
                counts: lengths,
                chosen: spans.map { Int64(place($0)) }
            )
        }
        return try (entropy(0, \.first) + entropy(1, \.last)) * 0.5
    }

    /// The sum of the cross entropies of rows that choose one of as many things as each has.
    ///
    /// - Parameters:
    ///   - scores: Those of all rows, one after another: [things]
    ///   - counts: How many each row has.
    ///   - chosen: The right one of each row, counted from its first.
    /// - Returns: A scalar.
    /// - Throws: `TorchError` if memory runs out.
    func choiceEntropy(
        _ scores: Tensor,
        counts: [Int],
        chosen: [Int64]
    ) throws(TorchError) -> Tensor {
        // What a shorter row lacks is impossible, and has no part in its sum.
        let (longest, impossible) = (counts.max() ?? 0, Int64(scores.size(0)))
        var places: [Int64] = []
        var start: Int64 = 0
        for count in counts {
            places += start..<start + Int64(count)
            places += [Int64](repeating: impossible, count: longest - count)
            start += Int64(count)
        }
        let padded = try Tensor.concatenated([
            scores, Tensor([-Float.infinity]).moved(to: scores.device),
        ]).selecting(Tensor(places).moved(to: scores.device))
        return try crossEntropy(padded.reshaped(counts.count, longest), chosen)
    }
}

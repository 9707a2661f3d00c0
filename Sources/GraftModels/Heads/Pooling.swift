internal import GraftLayers
package import GraftTorch

/// What a head reads of a row.
public enum Pooling: String, Sendable, Hashable, Codable, CaseIterable {
    /// The hidden state of the first token.
    case first
    /// The hidden state of the last token, the one that has seen all others in a causal model.
    case last
    /// What the model's own pooler makes of the first token.
    case pooler
    /// The mean of all tokens' hidden states.
    case mean
}

extension Pooling {
    /// The tokens whose states are read.
    package var wanted: WantedTokens {
        switch self {
        case .first, .pooler: .first
        case .last: .last
        case .mean: .all
        }
    }
}

extension EncoderOutput {
    /// One vector for each row, [rows, hidden].
    package func pooled(by pooling: Pooling) throws(TorchError) -> Tensor {
        switch pooling {
        case .mean: return try layout.rowMeans(hidden)
        case .pooler:
            guard let pooled = try pooled() else {
                throw TorchError(
                    kind: .invalidArgument,
                    operation: "pooling",
                    message: "the pooler is wanted, which this model does not have"
                )
            }
            return pooled
        case .first:
            return try firstTokens()
        case .last:
            return try layout.keepingLastTokens()(hidden)
        }
    }
}

internal import Foundation
internal import GraftLayers

/// One token among the scores of all.
///
/// Reference: `transformers` 4.57.6, `generation/logits_process.py`: the repetition penalty, then temperature, top-k and top-p,
/// in this order.
package struct TokenChoice: Sendable {
    let options: GenerationOptions

    package init(options: GenerationOptions) { self.options = options }

    /// Lowers the scores of tokens that are there already.
    package func penalize(_ scores: inout [Float], _ written: Set<Int32>) {
        guard options.repetitionPenalty != 1 else { return }
        let penalty = Float(options.repetitionPenalty)
        for token in written where scores.indices.contains(Int(token)) {
            let score = scores[Int(token)]
            scores[Int(token)] = score < 0 ? score * penalty : score / penalty
        }
    }

    /// Chooses one token.
    ///
    /// - Parameters:
    ///   - scores: Those of the whole vocabulary, after ``penalize(_:_:)``.
    ///   - key: What names the row.
    ///   - step: Which new token of the row this is.
    /// - Returns: The token: a function of the scores, the options, the key and the step.
    package func callAsFunction(_ scores: [Float], key: UInt64, step: Int) -> Int32 {
        guard options.temperature > 0 else { return Int32(scores.likeliest) }
        let bits = StableHash.mix(StableHash.mix(options.seed, key), UInt64(step))
        let point = Double(bits >> 11) * 0x1p-53
        let choices = distribution(scores)
        var sum = 0.0
        for (token, probability) in choices {
            sum += probability
            if point < sum { return token }
        }
        return choices.last?.token ?? 0
    }

    /// The tokens of which one is drawn, in the vocabulary's order, with probabilities that sum to 1.
    package func distribution(_ scores: [Float]) -> [(token: Int32, probability: Double)] {
        let scaled = scores.map { Double($0 / Float(options.temperature)) }
        var tokens = Array(scaled.indices)
        if options.topK != nil || options.topP != nil {
            tokens.sort { (scaled[$1], $0) < (scaled[$0], $1) }
        }
        if let topK = options.topK, topK < tokens.count {
            let least = scaled[tokens[topK - 1]]
            tokens = Array(tokens.prefix { scaled[$0] >= least })
        }
        let largest = tokens.reduce(-Double.infinity) { max($0, scaled[$1]) }
        func sum(_ tokens: [Int]) -> Double { tokens.reduce(0) { $0 + exp(scaled[$1] - largest) } }
        if let topP = options.topP {
            let total = sum(tokens)
            var before = 0.0
            // The likeliest stays, and those stay before which less than the share has gone.
            tokens = Array(
                tokens.prefix { token in
                    defer { before += exp(scaled[token] - largest) / total }
                    return before == 0 || before < topP
                }
            )
        }
        tokens.sort()
        let total = sum(tokens)
        return tokens.map { (Int32($0), exp(scaled[$0] - largest) / total) }
    }
}

extension [Float] {
    /// The place of the largest value, the first of equals.
    var likeliest: Int { indices.reduce(0) { self[$1] > self[$0] ? $1 : $0 } }
}

internal import Foundation

/// A search for the likeliest sequence behind one prompt.
///
/// Each step takes the best continuations of all running sequences; those that end leave the running ones. A finished
/// sequence's score is its logarithmic probability, divided by a power of its length.
///
/// Reference: `transformers` 4.57.6, `generation/utils.py`, `_beam_search`, without early stopping.
struct BeamSearch: Sendable {
    /// A sequence and the logarithm of its probability, for finished ones divided by their length's power.
    struct Hypothesis: Sendable, Hashable {
        var tokens: [Int32]
        var score: Float
    }

    /// What the search goes on with, the best first: as many as there are beams.
    private(set) var running: [Hypothesis]
    /// What has ended, the best first: at most as many as there are beams.
    private(set) var finished: [Hypothesis] = []
    /// Whether the search goes on.
    private(set) var isOpen = true

    private let options: GenerationOptions
    private let limit: Int

    /// Less than any sequence's score: what keeps a place without being a choice.
    private static let never: Float = -1e9

    /// Begins a search for up to `limit` tokens.
    init(_ options: GenerationOptions, limit: Int) {
        self.options = options
        self.limit = limit
        // All beams are the prompt alone at first; one of them may go on.
        running = (0..<options.beams).map {
            Hypothesis(tokens: [], score: $0 == 0 ? 0 : BeamSearch.never)
        }
    }

    /// The best sequence that was found.
    var best: Hypothesis { finished.first ?? running[0] }

    /// Goes on by a token.
    ///
    /// - Parameter logProbabilities: Of every token behind each running sequence.
    /// - Returns: Which of the sequences each new running one goes on.
    mutating func advance(_ logProbabilities: [[Float]]) -> [Int] {
        let candidates = best(of: logProbabilities)
        let length = running[0].tokens.count + 1
        let ends = candidates.map { length == limit || options.endTokens.contains($0.token) }
        let sequences = candidates.map {
            Hypothesis(tokens: running[$0.parent].tokens + [$0.token], score: $0.score)
        }
        let weight = powf(Float(length), Float(options.lengthPenalty))
        // What is not among the best is there to replace those that end, not to end itself.
        for index in 0..<min(options.beams, candidates.count) where ends[index] {
            var sequence = sequences[index]
            sequence.score /= weight
            let place = finished.firstIndex { $0.score < sequence.score } ?? finished.count
            finished.insert(sequence, at: place)
        }
        finished = Array(finished.prefix(options.beams))
        let next = candidates.indices.sorted {
            let (a, b) = (
                sequences[$0].score + (ends[$0] ? BeamSearch.never : 0),
                sequences[$1].score + (ends[$1] ? BeamSearch.never : 0)
            )
            return (b, $0) < (a, $1)
        }.prefix(options.beams)
        running = next.map { index in
            var sequence = sequences[index]
            if ends[index] { sequence.score += BeamSearch.never }
            return sequence
        }
        // A running sequence that cannot beat the worst finished one ends the search.
        let worst = finished.count < options.beams ? BeamSearch.never : finished.last?.score
        let canImprove = worst.map { running[0].score / weight > $0 } ?? true
        isOpen = canImprove && ends.contains(false)
        return next.map { candidates[$0].parent }
    }

    /// The best continuations: enough that as many stay running as there are beams, whichever end.
    private func best(
        of logProbabilities: [[Float]]
    ) -> [(score: Float, parent: Int, token: Int32)] {
        let count = max(2, 1 + options.endTokens.count) * options.beams
        var found: [(score: Float, parent: Int, token: Int32)] = []
        for (parent, values) in logProbabilities.enumerated() {
            for (token, value) in values.enumerated() {
                let score = value + running[parent].score
                if found.count == count, score <= found[count - 1].score { continue }
                // Few are inserted of many that are seen.
                let place = found.lastIndex { $0.score >= score }.map { $0 + 1 } ?? 0
                found.insert((score, parent, Int32(token)), at: place)
                if found.count > count { found.removeLast() }
            }
        }
        return found
    }
}

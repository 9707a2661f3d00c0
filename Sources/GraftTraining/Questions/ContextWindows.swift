internal import Foundation

/// Contexts of questions as windows that overlap, and how the answer is found in them.
///
/// Of every window the 20 likeliest first and last tokens are paired; a pair's score is the sum of both logits. The best pair
/// of all windows is the answer, if it is at most 30 tokens long. Where questions may be without an answer, the first token of a
/// window stands for none, and none is the answer if in every window it scores more than the best pair.
///
/// Reference: Devlin et al., [BERT](https://arxiv.org/abs/1810.04805), sections 4.2 and 4.3; numerically
/// `postprocess_qa_predictions` of the examples of `transformers` 4.57.
package struct ContextWindows: Sendable {
    /// A part of a context that the model reads behind the question.
    struct Window: Sendable {
        /// The question's row in the file.
        let row: Int
        /// The token of the row where the context begins.
        let start: Int
        /// Where in the context each of its tokens stands, in bytes of UTF-8.
        let offsets: [Range<Int>]
    }

    /// What is found in a context.
    package struct Answer: Sendable, Hashable {
        /// Empty for none.
        package let text: String
        /// Where it stands, in characters (Unicode scalars); `nil` for none.
        package let characters: Range<Int>?
        /// Its probability among the best answers.
        package let probability: Double
    }

    /// The windows, those of a row one after another.
    var windows: [Window] = []
    /// The context of each row.
    var contexts: [String] = []
    /// The right answers of each row, an empty text where there is none.
    var references: [[String]] = []
    /// Whether none may be the answer.
    let acceptsNoAnswer: Bool

    /// The first and last tokens that are paired.
    private static let candidateCount = 20
    /// The most tokens of an answer.
    private static let longestAnswer = 30

    private struct Candidate {
        /// In bytes of the context; `nil` for none.
        let bytes: Range<Int>?
        let score: Double
    }

    init(acceptsNoAnswer: Bool) { self.acceptsNoAnswer = acceptsNoAnswer }

    /// Answers every question.
    ///
    /// - Parameter logits: Of each window, two for each token: those of being the first and the last of the answer.
    /// - Returns: An answer for each row of the file.
    package func answers(_ logits: [[Float]]) -> [Answer] {
        var parts = [[Int]](repeating: [], count: contexts.count)
        for (index, window) in windows.enumerated() { parts[window.row].append(index) }
        return contexts.indices.map { row in
            var candidates = parts[row].flatMap { pairs(windows[$0], logits[$0]) }
            candidates.sort { $0.score > $1.score }
            candidates = Array(candidates.prefix(ContextWindows.candidateCount))
            guard acceptsNoAnswer else { return answer(candidates.first, of: candidates, in: row) }
            let none = parts[row].map { Double(logits[$0][0]) + Double(logits[$0][1]) }.min() ?? 0
            let empty = Candidate(bytes: nil, score: none)
            // Of the best twenty none is always one.
            if let last = candidates.last, last.score < none,
                candidates.count == ContextWindows.candidateCount
            {
                candidates.removeLast()
            }
            let best = candidates.first.flatMap { $0.score < none ? nil : $0 } ?? empty
            return answer(best, of: candidates + [empty], in: row)
        }
    }

    private func pairs(_ window: Window, _ logits: [Float]) -> [Candidate] {
        let tokens = logits.count / 2
        func best(_ place: Int) -> ArraySlice<Int> {
            (0..<tokens).sorted { (logits[2 * $1 + place], $0) < (logits[2 * $0 + place], $1) }
                .prefix(ContextWindows.candidateCount)
        }
        let context = window.start..<window.start + window.offsets.count
        let (firsts, lasts) = (best(0).filter(context.contains), best(1).filter(context.contains))
        return firsts.flatMap { first in
            lasts.compactMap { last in
                guard last >= first, last - first < ContextWindows.longestAnswer else { return nil }
                let start = window.offsets[first - window.start].lowerBound
                let end = window.offsets[last - window.start].upperBound
                let score = Double(logits[2 * first]) + Double(logits[2 * last + 1])
                return Candidate(bytes: start..<max(start, end), score: score)
            }
        }
    }

    private func answer(_ best: Candidate?, of all: [Candidate], in row: Int) -> Answer {
        guard let best else { return Answer(text: "", characters: nil, probability: 0) }
        let largest = all.map(\.score).max() ?? 0
        let sum = all.reduce(0) { $0 + exp($1.score - largest) }
        let probability = exp(best.score - largest) / sum
        guard let range = best.bytes else {
            return Answer(text: "", characters: nil, probability: probability)
        }
        let bytes = Array(contexts[row].utf8)
        let before = String(decoding: bytes[..<range.lowerBound], as: UTF8.self)
        let text = String(decoding: bytes[range], as: UTF8.self)
        let start = before.unicodeScalars.count
        return Answer(
            text: text,
            characters: start..<start + text.unicodeScalars.count,
            probability: probability
        )
    }
}

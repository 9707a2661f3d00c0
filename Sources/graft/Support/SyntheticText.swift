internal import Foundation
internal import GraftLayers
internal import GraftText

/// Made-up phrases of two classes in the words of a vocabulary, the same every time.
struct SyntheticText {
    /// How long phrases are: in tokens, about as SST-2's training phrases.
    static let summary = "1 word and an exponentially distributed number more, 11 on average"

    private let words: [String]

    /// Takes the plain words of a vocabulary.
    init(_ tokenizer: any Tokenizer) {
        // What marks the start of a word in byte-level and Unigram vocabularies is no part of it.
        let words = (0..<tokenizer.vocabularySize).compactMap { id -> String? in
            guard let token = tokenizer.token(of: Int32(id)) else { return nil }
            let word = token.drop { $0 == "Ġ" || $0 == "▁" }
            let isPlain = word.allSatisfy { ("a"..."z").contains($0) && $0.isASCII }
            return isPlain && word.count > 1 ? String(word) : nil
        }
        self.words = words.isEmpty ? ["a"] : words
    }

    /// Phrases as lists of words.
    func phrases(_ count: Int) -> [[String]] {
        var generator = HashSequence()
        return (0..<count).map { _ in
            let length = 1 + Int(-11 * log(1 - Double.random(in: 0..<1, using: &generator)))
            return (0..<length).map { _ in
                words[Int.random(in: words.indices, using: &generator)]
            }
        }
    }

    /// Rows as JSON lines.
    func lines(_ count: Int) -> [String] {
        phrases(count).enumerated().map { row, words in
            "{\"text\":\"\(words.joined(separator: " "))\",\"label\":\(row % 2)}"
        }
    }
}

/// The hashes of 1, 2, 3 and so on.
private struct HashSequence: RandomNumberGenerator {
    private var number: UInt64 = 0

    mutating func next() -> UInt64 {
        number += 1
        return StableHash.mix(1, number)
    }
}

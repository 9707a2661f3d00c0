/// The Unigram model: of all ways to spell a word in tokens, the one of highest score.
///
/// A token's score is the logarithm of its probability; a character that no token covers has a score below all of
/// them. The best way to each place of the word is found from left to right (Viterbi), so that time is
/// linear in the word. Unknown characters in a row are one token, or bytes if the model falls back to them.
///
/// Reference: Kudo, [Subword Regularization](https://arxiv.org/abs/1804.10959), section 3.2;
/// `encode_optimized` in `models/unigram/model.rs` of `tokenizers`, `EncodeOptimized` in `unigram_model.cc` of
/// SentencePiece.
struct Unigram: SubwordModel {
    /// How sums of scores are rounded, which decides between ways that are nearly equally good.
    enum Arithmetic: Sendable {
        /// As `tokenizers`: in double precision.
        case double
        /// As SentencePiece: the sum up to a place is kept in single precision.
        case single
    }

    let vocabulary: Vocabulary

    private let scores: [Double]
    private let unknownID: Int32
    private let unknownScore: Double
    private let fallbackIDs: [Int32]
    private let arithmetic: Arithmetic

    /// How far below the lowest score that of an unknown character is.
    private static let unknownPenalty = 10.0

    /// Creates a model.
    ///
    /// - Parameters:
    ///   - vocabulary: All tokens.
    ///   - scores: The score of each token, by id; `nil` for tokens that no text is spelt in.
    ///   - unknownID: The token for unknown characters.
    ///   - lowestScore: The lowest score, which that of unknown characters is measured from.
    ///   - fallsBackToBytes: Whether unknown characters are spelt in bytes, if the vocabulary has all of them.
    ///   - arithmetic: How sums of scores are rounded.
    init(
        vocabulary: Vocabulary,
        scores: [Double?],
        unknownID: Int32,
        lowestScore: Double,
        fallsBackToBytes: Bool,
        arithmetic: Arithmetic
    ) {
        self.vocabulary = vocabulary
        self.scores = scores.map { $0 ?? .nan }
        self.unknownID = unknownID
        self.arithmetic = arithmetic
        let score = lowestScore - Self.unknownPenalty
        unknownScore = arithmetic == .single ? Double(Float(score)) : score
        let trie = vocabulary.trie
        let bytes = (UInt8.min...UInt8.max).map {
            trie.value(of: BytePairEncoding.byteToken($0).utf8) ?? -1
        }
        fallbackIDs = fallsBackToBytes ? bytes : []
    }

    func appendPieces(
        of word: Range<Int>,
        in bytes: [UInt8],
        _ workspace: inout ModelWorkspace,
        to pieces: inout [Piece]
    ) {
        workspace.lattice.reset(count: word.count)
        fill(&workspace.lattice, word, bytes)
        appendBest(workspace.lattice, word, bytes, to: &pieces)
    }

    /// Finds the best way to each place of a word.
    private func fill(_ lattice: inout Lattice, _ word: Range<Int>, _ bytes: [UInt8]) {
        let trie = vocabulary.trie
        var start = word.lowerBound
        while start < word.upperBound {
            let before = lattice.score(at: start - word.lowerBound)
            let width = bytes.width(at: start)
            var isCovered = false
            var node = ByteTrie.root
            var index = start
            while index < word.upperBound {
                node = trie.child(of: node, bytes[index])
                if node == ByteTrie.root { break }
                index += 1
                let id = trie.value(at: node)
                guard id >= 0 else { continue }
                let score = scores[Int(id)]
                guard !score.isNaN else { continue }
                if index == start + width { isCovered = true }
                offer(id, score + before, start, index, word, &lattice)
            }
            if !isCovered {
                var score = unknownScore + before
                if arithmetic == .single { score = Double(Float(score)) }
                offer(unknownID, score, start, start + width, word, &lattice)
            }
            start += width
        }
    }

    @inline(__always)
    private func offer(
        _ id: Int32,
        _ score: Double,
        _ start: Int,
        _ end: Int,
        _ word: Range<Int>,
        _ lattice: inout Lattice
    ) {
        // Compared before it is rounded, as in the reference.
        lattice.offer(
            id,
            score,
            kept: arithmetic == .single ? Double(Float(score)) : score,
            from: start - word.lowerBound,
            to: end - word.lowerBound
        )
    }

    /// Appends the tokens of the best way to the end.
    private func appendBest(
        _ lattice: Lattice,
        _ word: Range<Int>,
        _ bytes: [UInt8],
        to pieces: inout [Piece]
    ) {
        let first = pieces.count
        var end = word.count
        var unknownEnd: Int?
        func flushUnknown(_ start: Int) {
            guard let unknown = unknownEnd else { return }
            appendUnknown(word.lowerBound + start..<word.lowerBound + unknown, bytes, to: &pieces)
            unknownEnd = nil
        }
        while end > 0 {
            let (id, start) = lattice.step(to: end)
            if id == unknownID {
                unknownEnd = unknownEnd ?? end
            } else {
                flushUnknown(end)
                pieces.append(Piece(id: id, range: word.lowerBound + start..<word.lowerBound + end))
            }
            end = start
        }
        flushUnknown(0)
        pieces[first...].reverse()
    }

    /// Appends what stands for unknown characters, from the right.
    private func appendUnknown(_ range: Range<Int>, _ bytes: [UInt8], to pieces: inout [Piece]) {
        guard !fallbackIDs.isEmpty, range.allSatisfy({ fallbackIDs[Int(bytes[$0])] >= 0 }) else {
            pieces.append(Piece(id: unknownID, range: range))
            return
        }
        for index in range.reversed() {
            let source = arithmetic == .double ? range : index..<index + 1
            pieces.append(Piece(id: fallbackIDs[Int(bytes[index])], range: source))
        }
    }
}

/// The best way to each place of a word.
struct Lattice {
    private struct Node {
        var score = 0.0
        var id: Int32 = 0
        var start: Int32 = -1  // -1: no way found yet
    }

    private var nodes: [Node] = []

    /// Forgets all ways, and makes room for a word of `count` bytes.
    mutating func reset(count: Int) {
        nodes.removeAll(keepingCapacity: true)
        nodes.append(contentsOf: repeatElement(Node(), count: count + 1))
    }

    @inline(__always)
    func score(at place: Int) -> Double { nodes[place].score }

    /// Takes a way to `end` over a token that starts at `start`, if it is better than those so far.
    @inline(__always)
    mutating func offer(_ id: Int32, _ score: Double, kept: Double, from start: Int, to end: Int) {
        guard nodes[end].start < 0 || score > nodes[end].score else { return }
        nodes[end] = Node(score: kept, id: id, start: Int32(truncatingIfNeeded: start))
    }

    /// The last token of the best way to `end`, and where it starts.
    func step(to end: Int) -> (id: Int32, start: Int) {
        (nodes[end].id, Int(nodes[end].start))
    }
}

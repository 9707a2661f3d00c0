extension SentencePieceModel {
    /// The spelling and the score of a token of a vocabulary.
    typealias Scored = (spelling: [UInt8], score: Float)

    /// All pieces with their scores.
    var scored: [Scored] { entries.map { ($0.spelling, $0.score) } }

    /// A vocabulary of tokens whose ids are their places.
    func vocabulary(_ tokens: [Scored]) throws(TokenizerError) -> Vocabulary {
        var vocabulary = Vocabulary(capacity: tokens.count)
        for (id, token) in tokens.enumerated() {
            do throws(Vocabulary.Conflict) {
                try vocabulary.add(token.spelling, id: id)
            } catch {
                let text = String(decoding: token.spelling, as: UTF8.self)
                throw invalid("piece \(text) appears twice, or there are too many")
            }
        }
        return vocabulary
    }

    /// A Unigram model of tokens, as `tokenizers` has it: every token may be found in text.
    func unigram(_ tokens: [Scored], unknownID: Int32) throws(TokenizerError) -> Unigram {
        try require(.unigram)
        let scores = tokens.map { Double($0.score) }
        return Unigram(
            vocabulary: try vocabulary(tokens),
            scores: scores,
            unknownID: unknownID,
            lowestScore: scores.min() ?? 0,
            fallsBackToBytes: false,
            arithmetic: .double
        )
    }

    /// The Unigram model of SentencePiece itself: control, unknown, byte and unused pieces are not found in text.
    func unigram() throws(TokenizerError) -> Unigram {
        let normal = entries.filter { $0.kind == .normal }.map(\.score)
        // `FLT_MIN`, which the reference starts from, is the least positive number.
        let highest = max(Float.leastNormalMagnitude, normal.max() ?? 0)
        return Unigram(
            vocabulary: try vocabulary(scored),
            scores: entries.map { entry -> Double? in
                switch entry.kind {
                case .normal: Double(entry.score)
                // A bonus, so that they are always taken.
                case .userDefined: Double(Float(entry.spelling.count) * highest) - 0.1
                default: nil
                }
            },
            unknownID: Int32(unknownID),
            lowestScore: Double(normal.min() ?? 0),
            fallsBackToBytes: fallsBackToBytes,
            arithmetic: .single
        )
    }

    /// A BPE model of tokens, as `transformers` makes one: merges in the order of scores, ties by length.
    ///
    /// Reference: `generate_merges` in `convert_slow_tokenizer.py` of `transformers` 4.57.
    func bytePairs(_ tokens: [Scored], unknownID: Int32) throws(TokenizerError) -> BytePairEncoding
    {
        try require(.bytePair)
        let vocabulary = try vocabulary(tokens)
        let order = pairs(of: tokens, vocabulary) { _ in true }.enumerated().sorted { a, b in
            let (left, right) = (a.element, b.element)
            if left.score != right.score { return left.score > right.score }
            if left.lengths != right.lengths { return left.lengths > right.lengths }
            return a.offset < b.offset
        }
        var merges = MergeTable(capacity: order.count)
        for (rank, (_, pair)) in order.enumerated() {
            merges.add(pair.left, pair.right, .init(rank: UInt32(rank), id: pair.outcome))
        }
        return BytePairEncoding(
            vocabulary: vocabulary,
            merges: merges,
            options: characterOptions(unknownID: unknownID)
        )
    }

    /// The BPE model of SentencePiece itself: merges of one score are done from the left.
    func bytePairs() throws(TokenizerError) -> BytePairEncoding {
        try require(.bytePair)
        guard !entries.contains(where: { $0.kind == .unused }) else {
            throw unsupported("pieces", "unused ones in a BPE model", ["none of them"])
        }
        let vocabulary = try vocabulary(scored)
        let kinds = entries.map(\.kind)
        let pairs = pairs(of: scored, vocabulary) {
            kinds[Int($0)] == .normal || kinds[Int($0)] == .userDefined
        }
        let scores = Set(pairs.map(\.score)).sorted(by: >)
        let ranks = Dictionary(uniqueKeysWithValues: zip(scores, UInt32(0)...))
        var merges = MergeTable(capacity: pairs.count)
        for pair in pairs {
            merges.add(
                pair.left,
                pair.right,
                .init(rank: ranks[pair.score] ?? 0, id: pair.outcome)
            )
        }
        var options = characterOptions(unknownID: Int32(unknownID))
        options.fallsBackToBytes = fallsBackToBytes
        options.isFound = kinds.map { $0 == .normal || $0 == .userDefined }
        options.frozen = userDefined
        return BytePairEncoding(vocabulary: vocabulary, merges: merges, options: options)
    }

    /// The symbols that the user of the trainer defined, with their ids.
    var userDefined: ByteTrie {
        var trie = ByteTrie()
        for (id, entry) in entries.enumerated() where entry.kind == .userDefined {
            trie.insert(entry.spelling, value: Int32(id))
        }
        return trie
    }

    private func characterOptions(unknownID: Int32) -> BytePairEncoding.Options {
        var options = BytePairEncoding.Options()
        options.alphabet = .characters
        options.unknownID = unknownID
        options.fusesUnknown = true
        options.fallsBackToBytes = true
        return options
    }

    private func require(_ wanted: Algorithm) throws(TokenizerError) {
        guard algorithm == wanted else {
            throw unsupported("model type", "\(algorithm)", ["\(wanted) for this tokenizer class"])
        }
    }

    /// Two tokens that are a third one together.
    private struct Pair {
        let left: Int32
        let right: Int32
        let outcome: Int32
        let score: Float
        /// How many scalars both tokens have.
        let lengths: (Int, Int)
    }

    /// Every way to put a token together from two others, by token, then by the ids of both.
    private func pairs(
        of tokens: [Scored],
        _ vocabulary: Vocabulary,
        isFound: (Int32) -> Bool
    ) -> [Pair] {
        let trie = vocabulary.trie
        var pairs: [Pair] = []
        for (id, token) in tokens.enumerated() where isFound(Int32(id)) {
            let spelling = token.spelling
            let starts = spelling.indices.filter { spelling[$0] & 0xC0 != 0x80 }
            var own: [Pair] = []
            for (length, cut) in starts.enumerated().dropFirst() {
                guard let left = trie.value(of: spelling[..<cut]),
                    let right = trie.value(of: spelling[cut...]), isFound(left), isFound(right)
                else { continue }
                own.append(
                    Pair(
                        left: left,
                        right: right,
                        outcome: Int32(id),
                        score: token.score,
                        lengths: (length, starts.count - length)
                    )
                )
            }
            pairs += own.sorted { ($0.left, $0.right) < ($1.left, $1.right) }
        }
        return pairs
    }
}

/// The WordPiece model: a word is cut, from the left, into the longest pieces of the vocabulary.
///
/// Pieces after the first are spelt with a prefix (`##`). A word that cannot be cut so to its end, or has
/// too many characters, is one unknown token.
///
/// The longest piece is found in one walk down the trie of the vocabulary, from its root for the start of
/// a word and from the node of the prefix for the rest, where the reference looks up ever shorter
/// substrings. Both find the same: pieces and words are valid UTF-8, so that a piece that matches
/// ends between characters.
///
/// Reference: Wu et al., [Google's Neural Machine Translation
/// System](https://arxiv.org/abs/1609.08144), section 4.1; `models/wordpiece/mod.rs` of `tokenizers`.
struct WordPiece: Sendable {
    let vocabulary: Vocabulary

    /// The id of the token for what cannot be spelt.
    let unknownID: Int32

    private let maxCharacters: Int
    private let continuationRoot: ByteTrie.Node?

    /// Creates a model.
    ///
    /// - Parameters:
    ///   - vocabulary: All pieces.
    ///   - unknownID: The id of the token for what cannot be spelt.
    ///   - continuingPrefix: What pieces after the first start with.
    ///   - maxCharacters: The most Unicode scalars of a word that is still cut.
    init(vocabulary: Vocabulary, unknownID: Int32, continuingPrefix: String, maxCharacters: Int) {
        self.vocabulary = vocabulary
        self.unknownID = unknownID
        self.maxCharacters = maxCharacters
        continuationRoot = vocabulary.trie.node(of: continuingPrefix.utf8)
    }

    /// Calls `emit` with the id and the range of each piece of the word at `word`, from the left.
    @inline(__always)
    func forEachPiece(
        of word: Range<Int>,
        in bytes: [UInt8],
        pieces: inout [Piece],
        _ emit: (Int32, Range<Int>) -> Void
    ) {
        if cut(word, in: bytes, into: &pieces) {
            for piece in pieces { emit(piece.id, piece.range) }
        } else {
            emit(unknownID, word)
        }
    }

    /// A piece of a word.
    struct Piece {
        let id: Int32
        let range: Range<Int>
    }

    /// Cuts a word, and returns whether that was possible.
    private func cut(_ word: Range<Int>, in bytes: [UInt8], into pieces: inout [Piece]) -> Bool {
        pieces.removeAll(keepingCapacity: true)
        if word.count > maxCharacters, isTooLong(word, in: bytes) { return false }
        let trie = vocabulary.trie
        var start = word.lowerBound
        var root = ByteTrie.root
        while start < word.upperBound {
            var node = root
            var best: Int32 = -1
            var end = start
            var index = start
            while index < word.upperBound {
                node = trie.child(of: node, bytes[index])
                if node == ByteTrie.root { break }
                index += 1
                let value = trie.value(at: node)
                if value >= 0 { (best, end) = (value, index) }
            }
            guard best >= 0 else { return false }
            pieces.append(Piece(id: best, range: start..<end))
            start = end
            guard start == word.upperBound || continuationRoot != nil else { return false }
            root = continuationRoot ?? root
        }
        return true
    }

    private func isTooLong(_ word: Range<Int>, in bytes: [UInt8]) -> Bool {
        var characters = 0
        for index in word where bytes[index] & 0xC0 != 0x80 { characters += 1 }
        return characters > maxCharacters
    }
}

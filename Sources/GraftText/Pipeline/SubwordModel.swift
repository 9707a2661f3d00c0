/// A model that spells words in tokens of a vocabulary.
protocol SubwordModel: Sendable {
    var vocabulary: Vocabulary { get }

    /// Appends the tokens of a word, from the left.
    ///
    /// - Parameters:
    ///   - word: A range of `bytes`, not empty, that starts and ends between scalars.
    ///   - bytes: UTF-8.
    ///   - workspace: Memory that calls share.
    ///   - pieces: What the tokens are appended to.
    func appendPieces(
        of word: Range<Int>,
        in bytes: [UInt8],
        _ workspace: inout ModelWorkspace,
        to pieces: inout [Piece]
    )
}

/// A token and the bytes of a word that it stands for.
struct Piece: Hashable {
    let id: Int32
    let range: Range<Int>
}

/// Buffers of the models, kept from word to word.
struct ModelWorkspace {
    var merging = MergeWorkspace()
    var lattice = Lattice()
}

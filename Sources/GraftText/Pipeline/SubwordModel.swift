internal import Synchronization

/// A model that spells words in tokens of a vocabulary.
protocol SubwordModel: Sendable {
    var vocabulary: Vocabulary { get }

    /// Where the first part of a word ends: the tokens of a word are those of its parts, each by itself.
    func endOfPart(of word: Range<Int>, in bytes: [UInt8]) -> Int

    /// Appends the tokens of a part, from the left; they depend on its bytes alone.
    ///
    /// - Parameters:
    ///   - part: A range of `bytes`, not empty, that starts and ends between scalars.
    ///   - bytes: UTF-8.
    ///   - workspace: Memory that calls share.
    ///   - pieces: What the tokens are appended to.
    func appendPieces(
        of part: Range<Int>,
        in bytes: [UInt8],
        _ workspace: inout ModelWorkspace,
        to pieces: inout [Piece]
    )
}

extension SubwordModel {
    /// The end of the word, which is one part.
    func endOfPart(of word: Range<Int>, in bytes: [UInt8]) -> Int { word.upperBound }

    /// Appends the tokens of a word, from the left.
    ///
    /// - Parameters:
    ///   - word: A range of `bytes` that starts and ends between scalars.
    ///   - bytes: UTF-8.
    ///   - memory: What calls share: buffers, and the words that were spelt before.
    ///   - pieces: What the tokens are appended to.
    @inline(__always)
    func spell(
        _ word: Range<Int>,
        in bytes: [UInt8],
        _ memory: inout SpellingMemory,
        to pieces: inout [Piece]
    ) {
        var rest = word
        while !rest.isEmpty {
            let part = rest.lowerBound..<endOfPart(of: rest, in: bytes)
            memory.words.appendPieces(of: part, in: bytes, to: &pieces) { pieces in
                appendPieces(of: part, in: bytes, &memory.workspace, to: &pieces)
            }
            rest = part.upperBound..<word.upperBound
        }
    }
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

/// What a tokenizer keeps from word to word and from text to text.
struct SpellingMemory {
    var words = WordCache()
    var workspace = ModelWorkspace()
}

/// The memories of a tokenizer that no text is using: there are as many as texts are encoded at once.
final class SpellingMemories: Sendable {
    private let idle = Mutex<[SpellingMemory]>([])

    func take() -> SpellingMemory { idle.withLock { $0.popLast() } ?? SpellingMemory() }

    func giveBack(_ memory: SpellingMemory) { idle.withLock { $0.append(memory) } }
}

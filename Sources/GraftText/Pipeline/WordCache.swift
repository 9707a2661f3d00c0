/// The tokens of short words that were spelt before: most words of a text are among a few thousand.
///
/// A table with one slot for each hash. A word takes the slot of another only after that one was passed over
/// as often as it was found, so that frequent words stay. Once the tokens of all words fill their room, the cache
/// starts anew. It takes at most 1 MB.
struct WordCache {
    /// Words of up to 15 bytes, with their length in the byte above; no word is 0.
    private typealias Key = UInt128

    private struct Slot {
        var key: Key = 0
        var start: Int32 = 0
        var count: Int16 = 0
        var merit: Int16 = 0
    }

    /// A token and its place in the word.
    private struct Part {
        let id: Int32
        let start: UInt8
        let end: UInt8
    }

    private static let longestWord = 15
    private static let slotBits = 14
    private static let partLimit = 1 << 16
    private static let largestMerit: Int16 = 3

    private var slots: [Slot] = []
    private var parts: [Part] = []

    /// Appends the tokens of a word, which `spell` appends if they are not known.
    ///
    /// - Parameters:
    ///   - word: A range of `bytes`, not empty.
    ///   - bytes: UTF-8.
    ///   - pieces: What the tokens are appended to.
    ///   - spell: Appends the tokens of the word, which depend on its bytes alone.
    @inline(__always)
    mutating func appendPieces(
        of word: Range<Int>,
        in bytes: [UInt8],
        to pieces: inout [Piece],
        spell: (inout [Piece]) -> Void
    ) {
        guard word.count <= Self.longestWord else { return spell(&pieces) }
        if slots.isEmpty { empty() }
        let key = Self.key(of: word, in: bytes)
        let index = Self.index(of: key)
        let slot = slots[index]
        if slot.key == key {
            if slot.merit < Self.largestMerit { slots[index].merit += 1 }
            let start = word.lowerBound
            for place in Int(slot.start)..<Int(slot.start) + Int(slot.count) {
                let part = parts[place]
                pieces.append(
                    Piece(id: part.id, range: start + Int(part.start)..<start + Int(part.end))
                )
            }
            return
        }
        let first = pieces.count
        spell(&pieces)
        if slot.merit > 0 {
            slots[index].merit -= 1
        } else {
            keep(pieces[first...], of: word, key, at: index)
        }
    }

    private mutating func empty() {
        slots = Array(repeating: Slot(), count: 1 << Self.slotBits)
        parts.removeAll(keepingCapacity: true)
    }

    private mutating func keep(
        _ pieces: ArraySlice<Piece>,
        of word: Range<Int>,
        _ key: Key,
        at index: Int
    ) {
        if parts.count + pieces.count > Self.partLimit { empty() }
        slots[index] = Slot(key: key, start: Int32(parts.count), count: Int16(pieces.count))
        for piece in pieces {
            parts.append(
                Part(
                    id: piece.id,
                    start: UInt8(piece.range.lowerBound - word.lowerBound),
                    end: UInt8(piece.range.upperBound - word.lowerBound)
                )
            )
        }
    }

    @inline(__always)
    private static func key(of word: Range<Int>, in bytes: [UInt8]) -> Key {
        var key = Key(word.count)
        for index in word { key = key << 8 | Key(bytes[index]) }
        return key
    }

    /// Fibonacci hashing of both halves.
    @inline(__always)
    private static func index(of key: Key) -> Int {
        let high = UInt64(truncatingIfNeeded: key >> 64)
        let low = UInt64(truncatingIfNeeded: key)
        let product = (low ^ (high &* 0xD6E8_FEB8_6659_FD93)) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: product >> UInt64(64 - slotBits))
    }
}

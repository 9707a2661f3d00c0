internal import Foundation

/// A table of character replacements, in the compiled form that SentencePiece stores.
///
/// The form is the length of a double array, the array itself (Darts-clone, 32-bit units), and the replacements,
/// each ended by a zero byte. The array maps spellings to places among the replacements.
///
/// Reference: `DecodePrecompiledCharsMap` in `normalizer.cc` of SentencePiece; `darts.h` of Darts-clone.
struct CharacterMap: Sendable {
    /// Why bytes are not such a table.
    struct Failure: Error, Hashable {
        let problem: String
    }

    private let units: [UInt32]
    private let replacements: [UInt8]

    /// Reads a table.
    init(_ blob: [UInt8]) throws(Failure) {
        guard blob.count >= 4 else { throw Failure(problem: "the table of characters is cut off") }
        let size = Int(Self.unit(of: blob, at: 0))
        guard size % 4 == 0, size > 0, size <= blob.count - 4 else {
            throw Failure(problem: "the table of characters is cut off")
        }
        units = stride(from: 4, to: 4 + size, by: 4).map { Self.unit(of: blob, at: $0) }
        replacements = Array(blob[(4 + size)...])
        guard replacements.isEmpty || replacements.last == 0,
            String(validating: replacements, as: UTF8.self) != nil
        else { throw Failure(problem: "the table of characters is damaged") }
    }

    /// Reads a table in base 64.
    init(base64 text: String) throws(Failure) {
        guard let data = Data(base64Encoded: text) else {
            throw Failure(problem: "the table of characters is not base 64")
        }
        try self.init([UInt8](data))
    }

    /// A spelling at the start of some text, and what stands in its place.
    struct Match {
        let length: Int
        fileprivate let place: Int
    }

    /// The shortest spelling that `bytes[range]` starts with, or the longest.
    func match(in bytes: [UInt8], _ range: Range<Int>, longest: Bool) -> Match? {
        var best: Match?
        var node = Int(Self.offset(units[0]))
        for index in range {
            let byte = bytes[index]
            guard byte != 0 else { break }
            node ^= Int(byte)
            guard node < units.count else { break }
            let unit = units[node]
            guard Self.label(unit) == UInt32(byte) else { break }
            node ^= Int(Self.offset(unit))
            guard node < units.count else { break }
            if Self.hasLeaf(unit) {
                best = Match(
                    length: index + 1 - range.lowerBound,
                    place: Int(units[node] & 0x7FFF_FFFF)
                )
                if !longest { break }
            }
        }
        return best
    }

    /// What stands in place of a match.
    func replacement(for match: Match) -> [UInt8] {
        guard match.place < replacements.count else { return [] }
        return Array(replacements[match.place...].prefix { $0 != 0 })
    }

    private static func unit(of blob: [UInt8], at index: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(blob[index + $1]) << UInt32(8 * $1) }
    }

    private static func hasLeaf(_ unit: UInt32) -> Bool { unit >> 8 & 1 == 1 }

    private static func label(_ unit: UInt32) -> UInt32 { unit & (1 << 31 | 0xFF) }

    private static func offset(_ unit: UInt32) -> UInt32 { (unit >> 10) << ((unit & 1 << 9) >> 6) }
}

internal import Foundation
internal import Synchronization

/// What normalizers and pre-tokenizers need to know of a Unicode scalar, as the reference knows it.
///
/// The Rust packages under `tokenizers` 0.22 were built at different times and carry different versions
/// of Unicode: categories are those of 8.0 (`unicode_categories`), decompositions and combining
/// classes those of 9.0 (`unicode-normalization-alignments`), lower-case letters those of 17.0 (the
/// Rust standard library), the classes of regular expressions those of 16.0 (Oniguruma, and the `regex`
/// crate under `tiktoken`). A token depends on them: a combining mark that Unicode 10 added is
/// not stripped, and stays part of its word.
///
/// Each version is reproduced from the tables of Swift's standard library by the age of the scalar:
/// one that is younger than the version has no properties. Unicode seldom changes its mind about an
/// older scalar; ``ReferenceUnicode`` lists where it did. `Tools/reference/wordpiece.py` hashes the
/// reference's view of every scalar, and a test compares.
struct ScalarTraits: Sendable {
    /// What a scalar is, as a set.
    struct Flags: OptionSet, Sendable {
        let rawValue: UInt8

        /// White space (`White_Space`).
        static let whitespace = Flags(rawValue: 1 << 0)

        /// Punctuation of a `P` category, or any ASCII symbol.
        static let punctuation = Flags(rawValue: 1 << 1)

        /// A control, format or private-use character other than tab, line feed, carriage return; NUL and
        /// the replacement character.
        static let unclean = Flags(rawValue: 1 << 2)

        /// A nonspacing mark (`Mn`).
        static let nonspacingMark = Flags(rawValue: 1 << 3)

        /// A letter of the CJK blocks that BERT's authors listed.
        static let chinese = Flags(rawValue: 1 << 4)

        /// A scalar whose canonical decomposition is something else.
        static let decomposes = Flags(rawValue: 1 << 5)

        /// A scalar whose lower case is more than one scalar.
        static let lowercasesToMany = Flags(rawValue: 1 << 6)

        /// A mark of any kind (`M`).
        static let mark = Flags(rawValue: 1 << 7)
    }

    /// What the split patterns of byte-level vocabularies tell apart: `\p{L}`, `\p{N}`, `\s`.
    enum Kind: UInt8, Sendable {
        case letter, number, whitespace, other
    }

    let flags: Flags
    let kind: Kind

    /// The canonical combining class; 0 starts a new character.
    let combiningClass: UInt8

    /// The lower case, if it is one scalar; otherwise the scalar itself.
    let lowercase: Unicode.Scalar

    init(_ scalar: Unicode.Scalar) {
        let properties = scalar.properties
        var flags: Flags = []
        if properties.isWhitespace { flags.insert(.whitespace) }
        if ReferenceUnicode.isPunctuation(scalar) { flags.insert(.punctuation) }
        if ReferenceUnicode.isUnclean(scalar) { flags.insert(.unclean) }
        if ReferenceUnicode.isNonspacingMark(scalar) { flags.insert(.nonspacingMark) }
        if ReferenceUnicode.isMark(scalar) { flags.insert(.mark) }
        if ReferenceUnicode.isChinese(scalar) { flags.insert(.chinese) }
        if ReferenceUnicode.decomposition(of: scalar) != [scalar] { flags.insert(.decomposes) }
        let lower = ReferenceUnicode.lowercase(of: scalar)
        if lower.count > 1 { flags.insert(.lowercasesToMany) }
        lowercase = lower.count == 1 ? lower[0] : scalar
        combiningClass = ReferenceUnicode.combiningClass(of: scalar)
        kind = ReferenceUnicode.kind(of: scalar)
        self.flags = flags
    }
}

/// Looks up traits, and keeps the page it last looked at.
///
/// Text stays within a few pages, so that a reader of its own for each call spares most of the reference
/// counting that threads would otherwise contend for.
struct ScalarTraitsReader {
    private var index = -1
    private var traits: [ScalarTraits] = []
    private var decompositions: [[Unicode.Scalar]] = []

    /// Returns the traits of `scalar`.
    @inline(__always)
    mutating func traits(of scalar: Unicode.Scalar) -> ScalarTraits {
        turn(to: scalar)
        return traits[Int(scalar.value & 0xFF)]
    }

    /// Returns the full canonical decomposition of `scalar`; the scalar itself if it has none.
    mutating func decomposition(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        turn(to: scalar)
        return decompositions.isEmpty ? [scalar] : decompositions[Int(scalar.value & 0xFF)]
    }

    @inline(__always)
    private mutating func turn(to scalar: Unicode.Scalar) {
        let wanted = Int(scalar.value >> 8)
        guard wanted != index else { return }
        let page = ScalarTraitsPages.shared.page(wanted)
        (index, traits, decompositions) = (wanted, page.traits, page.decompositions)
    }
}

/// The traits of all scalars, worked out 256 at a time when one of them is first seen.
///
/// All at once would cost half a second at start for scripts that no text may use. A page is written once
/// and then only read, by any number of threads, without a lock; should two threads work out the same
/// page at once, one of the two equal pages is kept.
private final class ScalarTraitsPages: Sendable {
    final class Page: Sendable {
        let traits: [ScalarTraits]

        /// Empty if no scalar of the page decomposes.
        let decompositions: [[Unicode.Scalar]]

        init(_ index: Int) {
            let scalars = (0..<256).map { low in
                // A surrogate is no scalar and never asked for.
                Unicode.Scalar(UInt32(index << 8 | low)) ?? "\u{FFFD}"
            }
            traits = scalars.map(ScalarTraits.init)
            let decomposes = traits.contains { $0.flags.contains(.decomposes) }
            decompositions = decomposes ? scalars.map(ReferenceUnicode.decomposition) : []
        }
    }

    static let shared = ScalarTraitsPages()

    private let pages = InlineArray<0x1100, AtomicLazyReference<Page>> { _ in
        AtomicLazyReference()
    }

    func page(_ index: Int) -> Page {
        pages[index].load() ?? pages[index].storeIfNil(Page(index))
    }
}

/// Matches a ``SplitPattern`` at one place after the other.
///
/// `L`, `N` and `S` in the comments stand for `\p{L}`, `\p{N}` and `\s`, and `o` for everything else. Each scanner
/// looks at a scalar once or twice, so that a text takes linear time however long its words are.
struct SplitScanner {
    private let bytes: [UInt8]
    private let end: Int
    private var reader = ScalarTraitsReader()

    private static let asciiKinds: [ScalarTraits.Kind] = (UInt8.min..<0x80).map {
        ReferenceUnicode.kind(of: Unicode.Scalar($0))
    }

    /// Creates a scanner of `bytes` up to `end`.
    init(_ bytes: [UInt8], end: Int) {
        self.bytes = bytes
        self.end = end
    }

    /// The match at `start`, which must be before the end; empty, behind the character, if there is none.
    mutating func match(_ pattern: SplitPattern, at start: Int) -> Range<Int> {
        switch pattern {
        case .gpt2: start..<gpt2(start)
        case .threeDigits: start..<caseless(start, digits: 3, keepsEnd: false)
        case .threeDigitsKeepingEnd: start..<caseless(start, digits: 3, keepsEnd: true)
        case .oneDigit: start..<caseless(start, digits: 1, keepsEnd: false)
        case .clip: clip(start)
        }
    }

    @inline(__always)
    private mutating func kind(at index: Int) -> ScalarTraits.Kind {
        let byte = bytes[index]
        if byte < 0x80 { return Self.asciiKinds[Int(byte)] }
        return reader.traits(of: bytes.scalar(at: index).scalar).kind
    }

    /// The end of the scalars of one kind that start at `index`.
    @inline(__always)
    private mutating func end(of kind: ScalarTraits.Kind, from index: Int, atMost limit: Int = .max)
        -> Int
    {
        var (index, count) = (index, 0)
        while index < end, count < limit, self.kind(at: index) == kind {
            index += bytes.width(at: index)
            count += 1
        }
        return index
    }

    // `'s|'t|'re|'ve|'m|'ll|'d| ?L+| ?N+| ?o+|S+(?!\S)|S+`
    private mutating func gpt2(_ start: Int) -> Int {
        if let end = contraction(at: start, ignoringCase: false) { return end }
        var first = start
        if bytes[start] == 0x20, start + 1 < end, kind(at: start + 1) != .whitespace { first += 1 }
        let kind = kind(at: first)
        if kind == .whitespace { return whitespace(start) }
        return end(of: kind, from: first)
    }

    // `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n L N]?L+|N{1,d}| ?o+[\r\n]*|S*[\r\n]+|S+(?!\S)|S+`
    private mutating func caseless(_ start: Int, digits: Int, keepsEnd: Bool) -> Int {
        if let end = contraction(at: start, ignoringCase: true) { return end }
        let kind = kind(at: start)
        switch kind {
        case .letter: return end(of: .letter, from: start)
        case .number: return end(of: .number, from: start, atMost: digits)
        case .whitespace, .other: break
        }
        let second = start + bytes.width(at: start)
        if !isLineEnd(start), second < end, self.kind(at: second) == .letter {
            return end(of: .letter, from: second)
        }
        var first = start
        if bytes[start] == 0x20, second < end, self.kind(at: second) == .other { first = second }
        if self.kind(at: first) == .other {
            var index = end(of: .other, from: first)
            while index < end, isLineEnd(index) { index += 1 }
            return index
        }
        return whitespace(start, endingLines: true, keepsEnd: keepsEnd)
    }

    // `'s|'t|'re|'ve|'m|'ll|'d|L+|N|o+`
    private mutating func clip(_ start: Int) -> Range<Int> {
        if let end = contraction(at: start, ignoringCase: false) { return start..<end }
        switch kind(at: start) {
        case .whitespace:
            let end = end(of: .whitespace, from: start)
            return end..<end
        case .number: return start..<end(of: .number, from: start, atMost: 1)
        case let kind: return start..<end(of: kind, from: start)
        }
    }

    /// `S+(?!\S)|S+`, after `S*[\r\n]+` if lines are ended, after `S+$` if the end is kept.
    private mutating func whitespace(
        _ start: Int,
        endingLines: Bool = false,
        keepsEnd: Bool = false
    ) -> Int {
        var (index, last) = (start, start)
        var lineEnd: Int?
        while index < end, kind(at: index) == .whitespace {
            last = index
            index += bytes.width(at: index)
            if endingLines, isLineEnd(last) { lineEnd = index }
        }
        if keepsEnd, index == end { return index }
        if let lineEnd { return lineEnd }
        // The last space goes with what follows, unless it is the only one.
        return index == end || last == start ? index : last
    }

    private func isLineEnd(_ index: Int) -> Bool { bytes[index] == 0x0A || bytes[index] == 0x0D }

    // `'s|'t|'re|'ve|'m|'ll|'d`
    private func contraction(at start: Int, ignoringCase: Bool) -> Int? {
        guard bytes[start] == UInt8(ascii: "'"), start + 1 < end else { return nil }
        func letter(_ index: Int) -> UInt8 {
            guard index < end else { return 0 }
            let byte = bytes[index]
            return ignoringCase && (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
        }
        switch (letter(start + 1), letter(start + 2)) {
        case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _),
            (UInt8(ascii: "d"), _):
            return start + 2
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return start + 3
        // U+017F, the long s, is an s without its case.
        case (0xC5, 0xBF) where ignoringCase:
            return start + 3
        default:
            return nil
        }
    }
}

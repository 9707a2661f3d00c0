/// Text after normalization, and where each of its bytes came from.
///
/// While every scalar has been replaced by one of equal width, places of the normalized text are places
/// of the source, and nothing is recorded. ASCII text and most Cyrillic, Greek and Chinese never leave
/// this state. From the first deviation on, each byte carries the range of its source scalar.
///
/// Offsets count in the bytes of the whole source, of which this may be a segment.
struct NormalizedText {
    private(set) var bytes: [UInt8] = []

    private let tracksSource: Bool
    private var origin = 0
    private var isAligned = true
    private var starts: [Int32] = []
    private var ends: [Int32] = []

    /// Creates an empty text.
    ///
    /// - Parameter tracksSource: Whether ``sourceRange(of:)`` will be asked.
    init(tracksSource: Bool) {
        self.tracksSource = tracksSource
    }

    /// Creates a text that is a segment of `source`, as it stands.
    init(_ source: [UInt8], _ segment: Range<Int>, tracksSource: Bool) {
        self.tracksSource = tracksSource
        origin = segment.lowerBound
        bytes = Array(source[segment])
    }

    /// Forgets all text and starts anew with a segment whose first byte is `origin`.
    mutating func reset(origin: Int) {
        bytes.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        self.origin = origin
        isAligned = true
    }

    /// An empty text of the same source, for a step that rewrites this one.
    func emptied() -> NormalizedText {
        var text = NormalizedText(tracksSource: tracksSource)
        text.origin = origin
        text.bytes.reserveCapacity(bytes.count)
        return text
    }

    /// The part of this text in `range`, which starts and ends between scalars, as a text of its own.
    func part(_ range: Range<Int>) -> NormalizedText {
        if range == bytes.indices { return self }
        var text = NormalizedText(tracksSource: tracksSource)
        text.origin = sourceStart(of: range)
        text.append(range, of: self)
        return text
    }

    /// Where in the source the part of this text in `range` begins.
    func sourceStart(of range: Range<Int>) -> Int {
        range == bytes.indices ? origin : sourceRange(of: range).lowerBound
    }

    /// Appends a part of another text of the same source, which starts and ends between scalars.
    mutating func append(_ part: Range<Int>, of text: NormalizedText) {
        let start = text.origin + part.lowerBound
        if !tracksSource || isAligned && text.isAligned && bytes.count == start - origin {
            bytes.append(contentsOf: text.bytes[part])
            return
        }
        var index = part.lowerBound
        while index < part.upperBound {
            let width = text.bytes.width(at: index)
            record(text.sourceRange(of: index..<index + width), width: width)
            bytes.append(contentsOf: text.bytes[index..<index + width])
            index += width
        }
    }

    /// Appends other text in place of `source`.
    mutating func append(_ replacement: [UInt8], from source: Range<Int>) {
        if tracksSource { record(source, width: replacement.count) }
        bytes.append(contentsOf: replacement)
    }

    /// Takes `count` bytes from the end.
    mutating func removeLast(_ count: Int) {
        bytes.removeLast(count)
        guard !isAligned else { return }
        starts.removeLast(count)
        ends.removeLast(count)
    }

    /// Makes room for `count` bytes.
    mutating func reserve(_ count: Int) {
        bytes.reserveCapacity(count)
    }

    /// Appends text that is not changed, to a text that so far was not changed either.
    mutating func append(verbatim segment: ArraySlice<UInt8>) {
        bytes.append(contentsOf: segment)
    }

    /// Appends an ASCII character that stands for the source byte at `index`.
    @inline(__always)
    mutating func append(ascii: UInt8, at index: Int) {
        if tracksSource, !isAligned || bytes.count != index - origin {
            record(index..<index + 1, width: 1)
        }
        bytes.append(ascii)
    }

    /// Appends a scalar that stands for `source`.
    mutating func append(_ scalar: Unicode.Scalar, from source: Range<Int>) {
        let encoded = Unicode.UTF8.width(scalar)
        if tracksSource,
            !isAligned || bytes.count != source.lowerBound - origin || encoded != source.count
        {
            record(source, width: encoded)
        }
        bytes.append(contentsOf: UTF8.encode(scalar) ?? Self.replacement)
    }

    /// Returns where the bytes of `range`, which starts and ends between scalars, came from.
    @inline(__always)
    func sourceRange(of range: Range<Int>) -> Range<Int> {
        if isAligned { return origin + range.lowerBound..<origin + range.upperBound }
        return Int(starts[range.lowerBound])..<Int(ends[range.upperBound - 1])
    }

    private static let replacement = UTF8.encodedReplacementCharacter

    private mutating func record(_ source: Range<Int>, width: Int) {
        if isAligned {
            isAligned = false
            // Wrong inside a scalar of several bytes, where nobody asks.
            for index in bytes.indices {
                starts.append(Int32(truncatingIfNeeded: origin + index))
                ends.append(Int32(truncatingIfNeeded: origin + index + 1))
            }
        }
        for _ in 0..<width {
            starts.append(Int32(truncatingIfNeeded: source.lowerBound))
            ends.append(Int32(truncatingIfNeeded: source.upperBound))
        }
    }
}

extension Unicode.UTF8 {
    /// How many bytes `scalar` takes.
    @inline(__always)
    fileprivate static func width(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        case ..<0x80: 1
        case ..<0x800: 2
        case ..<0x1_0000: 3
        default: 4
        }
    }
}

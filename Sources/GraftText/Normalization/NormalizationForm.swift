/// A Unicode normalization form, in the Unicode version of the reference.
///
/// Reference: Unicode Standard Annex 15; `unicode-normalization-alignments` under `tokenizers`. A scalar that a
/// composition takes in leaves no trace in offsets: the composed character comes from where its first part
/// does.
enum NormalizationForm: String, TextNormalizer {
    case nfc = "NFC"
    case nfd = "NFD"
    case nfkc = "NFKC"
    case nfkd = "NFKD"

    private var composes: Bool { self == .nfc || self == .nfkc }
    private var isCompatible: Bool { self == .nfkc || self == .nfkd }

    func normalize(_ text: inout NormalizedText) {
        guard !text.isASCII else { return }
        let source = text
        var result = source.emptied()
        var marks = CombiningRun()
        var composer = Composer()
        var reader = ScalarTraitsReader()
        var seen: [Unicode.Scalar: [Unicode.Scalar]] = [:]

        func emit(_ part: Composer.Part) {
            if composes {
                composer.add(part, into: &result)
            } else {
                result.append(part.scalar, from: part.source)
            }
        }
        func drain() {
            guard !marks.isEmpty else { return }
            marks.drain { mark, source, isOwn in
                emit(
                    Composer.Part(
                        scalar: mark,
                        combiningClass: reader.traits(of: mark).combiningClass,
                        source: source,
                        isOwnSource: isOwn
                    )
                )
            }
        }

        var index = 0
        let bytes = source.bytes
        while index < bytes.count {
            let (scalar, width) = bytes.scalar(at: index)
            let range = index..<index + width
            index += width
            let isLast = index == bytes.count
            if isInert(scalar), isLast || isInert(bytes.scalar(at: index).scalar) {
                drain()
                composer.flush(into: &result)
                result.append(range, of: source)
                continue
            }
            for (place, part) in decomposition(of: scalar, &reader, &seen).enumerated() {
                let origin = place == 0 ? source.sourceRange(of: range) : nil
                let combiningClass = reader.traits(of: part).combiningClass
                if combiningClass != 0 {
                    marks.append(part, combiningClass: combiningClass, from: origin)
                } else {
                    drain()
                    emit(
                        Composer.Part(
                            scalar: part,
                            combiningClass: 0,
                            source: marks.take(origin),
                            isOwnSource: origin != nil
                        )
                    )
                }
            }
        }
        drain()
        composer.flush(into: &result)
        text = result
    }

    private func decomposition(
        of scalar: Unicode.Scalar,
        _ reader: inout ScalarTraitsReader,
        _ seen: inout [Unicode.Scalar: [Unicode.Scalar]]
    ) -> [Unicode.Scalar] {
        if isCompatible {
            // Looking it up is slow, and a text has few different characters.
            if let parts = seen[scalar] { return parts }
            let parts = ReferenceUnicode.compatibleDecomposition(of: scalar)
            seen[scalar] = parts
            return parts
        }
        guard reader.traits(of: scalar).flags.contains(.decomposes) else { return [scalar] }
        return reader.decomposition(of: scalar)
    }

    /// Whether a scalar that another such scalar follows stays as it is: ranges of common scripts, not all there are.
    private func isInert(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case ..<0xA0: true
        case ..<0x300: self == .nfc
        case 0x410...0x418, 0x41A...0x438, 0x43A...0x44F, 0x5D0...0x5EA, 0x627...0x64A,
            0x3400...0x9FFF:
            true
        case 0xAC00...0xD7A3: composes
        default: false
        }
    }
}

/// Composes decomposed text, which comes scalar by scalar.
///
/// A starter takes in marks, and with each the source that comes next in the text; the marks that remain take the
/// sources after those, in text order. So the reference counts, whichever mark stood where.
private struct Composer {
    /// A scalar of decomposed text.
    struct Part {
        var scalar: Unicode.Scalar
        let combiningClass: UInt8
        let source: Range<Int>
        /// Whether the scalar stood in the text; otherwise it shares the source of the one before.
        let isOwnSource: Bool
    }

    private var starter: Part?
    private var marks: [Part] = []
    private var sources: [Range<Int>] = []
    private var absorbed = 0

    mutating func add(_ part: Part, into text: inout NormalizedText) {
        let isBlocked =
            marks.last.map {
                part.combiningClass == 0 || $0.combiningClass >= part.combiningClass
            } ?? false
        if let starter, !isBlocked,
            let composed = Composition.shared.composite(of: starter.scalar, part.scalar)
        {
            self.starter?.scalar = composed
            if part.isOwnSource {
                sources.append(part.source)
                absorbed += 1
            }
        } else if part.combiningClass == 0 {
            flush(into: &text)
            starter = part
        } else if starter == nil {
            text.append(part.scalar, from: part.source)
        } else {
            marks.append(part)
            if part.isOwnSource { sources.append(part.source) }
        }
    }

    mutating func flush(into text: inout NormalizedText) {
        guard let starter else { return }
        text.append(starter.scalar, from: starter.source)
        var last = sources.prefix(absorbed).last ?? starter.source
        var rest = sources.dropFirst(absorbed)
        for mark in marks {
            if mark.isOwnSource { last = rest.popFirst() ?? last }
            text.append(mark.scalar, from: last)
        }
        self.starter = nil
        marks.removeAll(keepingCapacity: true)
        sources.removeAll(keepingCapacity: true)
        absorbed = 0
    }
}

/// Which two scalars are one in composed text.
private struct Composition: Sendable {
    /// Worked out when text is first composed that is not of common scripts alone.
    static let shared = Composition()

    private let pairs: [UInt64: Unicode.Scalar]

    private init() {
        // Where Unicode has composite characters.
        let blocks: [ClosedRange<UInt32>] = [
            0xC0...0x2FFF, 0x3040...0x30FF, 0x11000...0x116FF,
        ]
        var pairs: [UInt64: Unicode.Scalar] = [:]
        for value in blocks.joined() {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let parts = ReferenceUnicode.decomposition(of: scalar)
            guard parts.count > 1, ReferenceUnicode.composition(of: [scalar]) == [scalar] else {
                continue
            }
            // The first of the two parts may be composed itself.
            var first = parts[0]
            for part in parts.dropFirst().dropLast() {
                first = pairs[Self.key(first, part)] ?? Self.composite(first, part) ?? first
            }
            pairs[Self.key(first, parts[parts.count - 1])] = scalar
        }
        self.pairs = pairs
    }

    func composite(of first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
        if let syllable = Self.syllable(first, second) { return syllable }
        return pairs[Self.key(first, second)]
    }

    private static func key(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> UInt64 {
        UInt64(first.value) << 32 | UInt64(second.value)
    }

    private static func composite(
        _ first: Unicode.Scalar,
        _ second: Unicode.Scalar
    ) -> Unicode.Scalar? {
        let scalars = ReferenceUnicode.composition(of: [first, second])
        return scalars.count == 1 ? scalars[0] : nil
    }

    /// Hangul syllables, which are composed by arithmetic (Unicode Standard, section 3.12).
    private static func syllable(
        _ first: Unicode.Scalar,
        _ second: Unicode.Scalar
    ) -> Unicode.Scalar? {
        let (leading, vowel, trailing, syllables) = (
            UInt32(0x1100), UInt32(0x1161), UInt32(0x11A7), UInt32(0xAC00)
        )
        switch (first.value, second.value) {
        case (leading..<leading + 19, vowel..<vowel + 21):
            let index = (first.value - leading) * 21 + second.value - vowel
            return Unicode.Scalar(syllables + index * 28)
        case (syllables..<syllables + 11172, trailing + 1..<trailing + 28)
        where (first.value - syllables) % 28 == 0:
            return Unicode.Scalar(first.value + second.value - trailing)
        default:
            return nil
        }
    }
}

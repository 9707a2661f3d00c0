/// The normalizer of BERT: cleaning, spaces around Chinese characters, accents, case.
///
/// The four steps of the reference run in that order over the whole text, and so they do here, but fused
/// into one pass over the bytes. The only step that needs to look beyond one scalar is canonical
/// decomposition, which sorts combining marks; marks wait in a ``CombiningRun`` until the next
/// character starts.
///
/// Reference: `normalizers/bert.rs` and `tokenizer/normalizer.rs` of `tokenizers`.
struct BertNormalizer: Sendable {
    /// Whether control characters are removed and all white space becomes a plain space.
    let cleansText: Bool

    /// Whether each Chinese character becomes a word of its own.
    let separatesChinese: Bool

    /// Whether text is decomposed and nonspacing marks are removed.
    let stripsAccents: Bool

    /// Whether text becomes lower case.
    let lowercases: Bool

    /// What becomes of each byte: an ASCII character, ``removed``, or ``notASCII``.
    private let asciiMap: [UInt8]

    private static let removed: UInt8 = 0xFE
    private static let notASCII: UInt8 = 0xFF

    /// Creates a normalizer.
    ///
    /// - Parameters:
    ///   - cleansText: See ``cleansText``.
    ///   - separatesChinese: See ``separatesChinese``.
    ///   - stripsAccents: `nil` to strip accents exactly if text becomes lower case.
    ///   - lowercases: See ``lowercases``.
    init(
        cleansText: Bool = true,
        separatesChinese: Bool = true,
        stripsAccents: Bool? = nil,
        lowercases: Bool = true
    ) {
        self.cleansText = cleansText
        self.separatesChinese = separatesChinese
        self.stripsAccents = stripsAccents ?? lowercases
        self.lowercases = lowercases
        asciiMap = (UInt8.min...UInt8.max).map { byte in
            let scalar = Unicode.Scalar(byte)
            return switch scalar {
            case "\u{80}"...: Self.notASCII
            case "\t", "\n", "\r": cleansText ? UInt8(ascii: " ") : byte
            case _ where cleansText && ReferenceUnicode.isUnclean(scalar): Self.removed
            case "A"..."Z" where lowercases: byte | 0x20
            default: byte
            }
        }
    }

    /// Appends the normalized form of a segment of `source` to `text`.
    func normalize(_ source: [UInt8], _ segment: Range<Int>, into text: inout NormalizedText) {
        var marks = CombiningRun()
        var reader = ScalarTraitsReader()
        var index = segment.lowerBound
        while index < segment.upperBound {
            let mapped = asciiMap[Int(source[index])]
            if mapped < 0x80 {
                if !marks.isEmpty { flush(&marks, &reader, into: &text) }
                text.append(ascii: mapped, at: index)
                index += 1
            } else if mapped == Self.removed {
                index += 1
            } else {
                let (scalar, width) = source.scalar(at: index)
                fold(scalar, from: index..<index + width, &marks, &reader, into: &text)
                index += width
            }
        }
        flush(&marks, &reader, into: &text)
    }

    /// Takes one scalar beyond ASCII through cleaning and separation.
    private func fold(
        _ scalar: Unicode.Scalar,
        from source: Range<Int>,
        _ marks: inout CombiningRun,
        _ reader: inout ScalarTraitsReader,
        into text: inout NormalizedText
    ) {
        let traits = reader.traits(of: scalar)
        if cleansText, !traits.flags.isDisjoint(with: [.unclean, .whitespace]) {
            if traits.flags.contains(.unclean) { return }
            flush(&marks, &reader, into: &text)
            text.append(" ", from: source)
        } else if separatesChinese, traits.flags.contains(.chinese) {
            flush(&marks, &reader, into: &text)
            text.append(" ", from: source)
            decompose(scalar, traits, from: source, &marks, &reader, into: &text)
            flush(&marks, &reader, into: &text)
            text.append(" ", from: source)
        } else {
            decompose(scalar, traits, from: source, &marks, &reader, into: &text)
        }
    }

    private func decompose(
        _ scalar: Unicode.Scalar,
        _ traits: ScalarTraits,
        from source: Range<Int>,
        _ marks: inout CombiningRun,
        _ reader: inout ScalarTraitsReader,
        into text: inout NormalizedText
    ) {
        guard stripsAccents else {
            emit(scalar, traits, from: source, into: &text)
            return
        }
        if !traits.flags.contains(.decomposes) {
            place(scalar, traits, from: source, &marks, &reader, into: &text)
            return
        }
        for (index, part) in reader.decomposition(of: scalar).enumerated() {
            let origin = index == 0 ? source : nil
            place(part, reader.traits(of: part), from: origin, &marks, &reader, into: &text)
        }
    }

    /// Emits a scalar that starts a character, and lets one that combines wait.
    ///
    /// The `source` is where the scalar came from, or `nil` for a later part of a decomposition, which
    /// shares the source of whatever precedes it after sorting.
    private func place(
        _ scalar: Unicode.Scalar,
        _ traits: ScalarTraits,
        from source: Range<Int>?,
        _ marks: inout CombiningRun,
        _ reader: inout ScalarTraitsReader,
        into text: inout NormalizedText
    ) {
        if traits.combiningClass != 0 {
            marks.append(scalar, combiningClass: traits.combiningClass, from: source)
            return
        }
        flush(&marks, &reader, into: &text)
        emit(scalar, traits, from: marks.take(source), into: &text)
    }

    private func flush(
        _ marks: inout CombiningRun,
        _ reader: inout ScalarTraitsReader,
        into text: inout NormalizedText
    ) {
        guard !marks.isEmpty else { return }
        marks.drain { mark, source, _ in
            emit(mark, reader.traits(of: mark), from: source, into: &text)
        }
    }

    /// Takes one decomposed scalar through the last two steps.
    @inline(__always)
    private func emit(
        _ scalar: Unicode.Scalar,
        _ traits: ScalarTraits,
        from source: Range<Int>,
        into text: inout NormalizedText
    ) {
        if stripsAccents, traits.flags.contains(.nonspacingMark) { return }
        if !lowercases {
            text.append(scalar, from: source)
        } else if !traits.flags.contains(.lowercasesToMany) {
            text.append(traits.lowercase, from: source)
        } else {
            for part in ReferenceUnicode.lowercase(of: scalar) { text.append(part, from: source) }
        }
    }
}

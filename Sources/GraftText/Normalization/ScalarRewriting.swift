extension NormalizedText {
    /// Calls `body` with each scalar of this text and the bytes that it takes.
    @inline(__always)
    func forEachScalar(_ body: (Unicode.Scalar, Range<Int>) -> Void) {
        var index = 0
        while index < bytes.count {
            let (scalar, width) = bytes.scalar(at: index)
            body(scalar, index..<index + width)
            index += width
        }
    }

    /// Whether all bytes are ASCII.
    var isASCII: Bool { bytes.allSatisfy { $0 < 0x80 } }
}

/// Puts each scalar into lower case, outside any context.
///
/// Reference: `lowercase` in `tokenizer/normalizer.rs` of `tokenizers`.
struct Lowercase: TextNormalizer {
    func normalize(_ text: inout NormalizedText) {
        let source = text
        var result = source.emptied()
        var reader = ScalarTraitsReader()
        // Runs that stay as they are go over in one piece.
        var kept = 0
        source.forEachScalar { scalar, range in
            let traits = reader.traits(of: scalar)
            let isLong = traits.flags.contains(.lowercasesToMany)
            if !isLong, traits.lowercase == scalar { return }
            if kept < range.lowerBound { result.append(kept..<range.lowerBound, of: source) }
            kept = range.upperBound
            for part in isLong ? ReferenceUnicode.lowercase(of: scalar) : [traits.lowercase] {
                result.append(part, from: source.sourceRange(of: range))
            }
        }
        guard kept > 0 else { return }
        if kept < source.bytes.count { result.append(kept..<source.bytes.count, of: source) }
        text = result
    }
}

/// Removes all marks, which text must be decomposed for.
///
/// Reference: `StripAccents` in `normalizers/strip.rs` of `tokenizers`.
struct StripAccents: TextNormalizer {
    func normalize(_ text: inout NormalizedText) {
        guard !text.isASCII else { return }
        let source = text
        var result = source.emptied()
        var reader = ScalarTraitsReader()
        var kept = 0
        source.forEachScalar { scalar, range in
            guard scalar.value >= 0x300, reader.traits(of: scalar).flags.contains(.mark) else {
                return
            }
            if kept < range.lowerBound { result.append(kept..<range.lowerBound, of: source) }
            kept = range.upperBound
        }
        guard kept > 0 else { return }
        if kept < source.bytes.count { result.append(kept..<source.bytes.count, of: source) }
        text = result
    }
}

/// Removes white space from the ends of a text.
///
/// Reference: `Strip` in `normalizers/strip.rs` of `tokenizers`.
struct Strip: TextNormalizer {
    let left: Bool
    let right: Bool

    func normalize(_ text: inout NormalizedText) {
        let bytes = text.bytes
        var (start, end) = (0, bytes.count)
        while left, start < end, bytes.scalar(at: start).scalar.properties.isWhitespace {
            start += bytes.width(at: start)
        }
        while right, start < end {
            let last = bytes.scalar(before: end)
            guard last.properties.isWhitespace else { break }
            end -= String(last).utf8.count
        }
        guard start > 0 || end < bytes.count else { return }
        var result = text.emptied()
        result.append(start..<end, of: text)
        text = result
    }
}

/// Puts a prefix before every text that is not empty.
///
/// Reference: `normalizers/prepend.rs` of `tokenizers`.
struct Prepend: TextNormalizer {
    let prefix: [UInt8]

    func normalize(_ text: inout NormalizedText) {
        guard !text.bytes.isEmpty else { return }
        let source = text
        text = source.emptied()
        text.appendPrefix(prefix, to: source.bytes.indices, of: source)
        text.append(source.bytes.indices, of: source)
    }
}

/// Puts text in place of every match of a pattern.
///
/// Reference: `normalizers/replace.rs` of `tokenizers`.
struct Replace: TextNormalizer {
    /// What is replaced.
    enum Pattern: Sendable, Hashable {
        case text([UInt8])
        /// ` {2,}`: two spaces or more.
        case spaces
        /// `\s+`: white space.
        case whitespace

        /// What every match begins with, if that is always the same byte.
        var first: UInt8? {
            switch self {
            case .text(let text): text.first
            case .spaces: 0x20
            case .whitespace: nil
            }
        }
    }

    let pattern: Pattern
    let content: [UInt8]

    func normalize(_ text: inout NormalizedText) {
        let source = text
        var result = source.emptied()
        var (kept, index) = (0, 0)
        while index < source.bytes.count {
            if let first = pattern.first, source.bytes[index] != first {
                index += 1
                continue
            }
            let end = match(in: source.bytes, at: index)
            if end == index {
                index += source.bytes.width(at: index)
                continue
            }
            if kept < index { result.append(kept..<index, of: source) }
            // All of it comes from where the last replaced scalar does.
            let last = source.bytes.scalarRange(around: end - 1..<end)
            result.append(content, from: source.sourceRange(of: last))
            (kept, index) = (end, end)
        }
        guard kept > 0 else { return }
        if kept < index { result.append(kept..<index, of: source) }
        text = result
    }

    /// The end of the match at `start`, which is `start` if there is none.
    private func match(in bytes: [UInt8], at start: Int) -> Int {
        switch pattern {
        case .text(let text):
            return !text.isEmpty && bytes[start...].starts(with: text) ? start + text.count : start
        case .spaces:
            var end = start
            while end < bytes.count, bytes[end] == 0x20 { end += 1 }
            return end - start > 1 ? end : start
        case .whitespace:
            // All white space in ASCII is below the letters.
            if (0x21...0x7E).contains(bytes[start]) { return start }
            var end = start
            while end < bytes.count, bytes.scalar(at: end).scalar.properties.isWhitespace {
                end += bytes.width(at: end)
            }
            return end
        }
    }
}

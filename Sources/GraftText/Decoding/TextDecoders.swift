/// Puts text in place of other text in every token.
///
/// Reference: `normalizers/replace.rs` of `tokenizers`.
struct ReplaceDecoder: TokenDecoder {
    let pattern: [UInt8]
    let content: [UInt8]

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        tokens.map { $0.replacing(pattern, with: content) }
    }
}

/// Joins all tokens into one part.
struct FuseDecoder: TokenDecoder {
    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] { [Array(tokens.joined())] }
}

/// Removes a character from the ends of every token, at most so many times.
///
/// Reference: `decoders/strip.rs` of `tokenizers`.
struct StripDecoder: TokenDecoder {
    let content: [UInt8]
    let start: Int
    let stop: Int

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        tokens.map { token in
            var rest = token[...]
            for _ in 0..<start where rest.starts(with: content) {
                rest.removeFirst(content.count)
            }
            for _ in 0..<stop where rest.count >= content.count {
                guard rest.suffix(content.count).elementsEqual(content) else { break }
                rest.removeLast(content.count)
            }
            return Array(rest)
        }
    }
}

/// Joins byte tokens (`<0xE2>`) in a row into text.
///
/// A row that is not UTF-8 becomes a replacement character for each of its bytes.
///
/// Reference: `decoders/byte_fallback.rs` of `tokenizers`.
struct ByteFallbackDecoder: TokenDecoder {
    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var parts: [[UInt8]] = []
        var run: [UInt8] = []
        for token in tokens {
            if let byte = Self.byte(of: token) {
                run.append(byte)
            } else {
                Self.end(&run, &parts)
                parts.append(token)
            }
        }
        Self.end(&run, &parts)
        return parts
    }

    /// The byte that a token spells, if it is a byte token.
    static func byte(of token: [UInt8]) -> UInt8? {
        guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">")
        else { return nil }
        return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
    }

    private static func end(_ run: inout [UInt8], _ parts: inout [[UInt8]]) {
        guard !run.isEmpty else { return }
        if String(validating: run, as: UTF8.self) != nil {
            parts.append(run)
        } else {
            parts += repeatElement(Array("\u{FFFD}".utf8), count: run.count)
        }
        run.removeAll()
    }
}

/// Puts spaces in place of the letter that stands for them, and none before the text.
///
/// Reference: the decoder in `pre_tokenizers/metaspace.rs` of `tokenizers`.
struct MetaspaceDecoder: TokenDecoder {
    let replacement: [UInt8]
    /// Whether a space is put before the text, so that decoding takes it away.
    let prepends: Bool

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        tokens.enumerated().map { index, token in
            token.replacing(replacement, with: index == 0 && prepends ? [] : [0x20])
        }
    }
}

/// Puts spaces in place of what ends words.
///
/// Reference: `decoders/bpe.rs` of `tokenizers`.
struct WordEndDecoder: TokenDecoder {
    let suffix: [UInt8]

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        tokens.enumerated().map { index, token in
            token.replacing(suffix, with: index + 1 == tokens.count ? [] : [0x20])
        }
    }
}

/// Puts spaces in place of what ends words in byte-level text, and none around the text.
///
/// Reference: `_wrap_decode_method_backend_tokenizer` of `CLIPTokenizerFast` in `transformers`.
struct ClipDecoder: TokenDecoder {
    let suffix: [UInt8]

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        let text = String(decoding: tokens.joined(), as: UTF8.self).utf8
        let spaced = Array(text).replacing(suffix, with: [0x20])
        let scalars = String(decoding: spaced, as: UTF8.self).unicodeScalars
        let start = scalars.drop(while: \.properties.isWhitespace)
        let trimmed = start.reversed().drop(while: \.properties.isWhitespace).reversed()
        var stripped = String.UnicodeScalarView()
        stripped.append(contentsOf: trimmed)
        return [Array(String(stripped).utf8)]
    }
}

extension [UInt8] {
    /// These bytes with each occurrence of `pattern`, from the left, replaced.
    func replacing(_ pattern: [UInt8], with content: [UInt8]) -> [UInt8] {
        guard let first = pattern.first, contains(first) else { return self }
        var result: [UInt8] = []
        var index = 0
        while index < count {
            if self[index] == first, self[index...].starts(with: pattern) {
                result += content
                index += pattern.count
            } else {
                result.append(self[index])
                index += 1
            }
        }
        return result
    }
}

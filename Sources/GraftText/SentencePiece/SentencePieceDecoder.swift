/// Joins pieces as SentencePiece does.
///
/// Control pieces say nothing, the unknown piece has a text of its own, bytes in a row are joined, with a replacement
/// character for each that is not part of UTF-8; the space before the text is taken away.
///
/// Reference: `SentencePieceProcessor::Decode` in `sentencepiece_processor.cc`.
struct SentencePieceDecoder: TokenDecoder {
    let control: Set<[UInt8]>
    let unknown: [UInt8]
    let unknownSurface: [UInt8]
    /// Whether pieces that spell a byte stand for it.
    let joinsBytes: Bool
    let addsDummyPrefix: Bool
    let removesExtraWhitespace: Bool

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var text: [UInt8] = []
        var run: [UInt8] = []
        var (expectsPrefix, sawPrefix) = (true, false)
        for token in tokens {
            if joinsBytes, let byte = ByteFallbackDecoder.byte(of: token) {
                run.append(byte)
                continue
            }
            Self.end(&run, &text)
            if sawPrefix || !text.isEmpty { expectsPrefix = false }
            sawPrefix = false
            if control.contains(token) { continue }
            if token == unknown {
                text += unknownSurface
                continue
            }
            var piece = token[...]
            if expectsPrefix, addsDummyPrefix || removesExtraWhitespace,
                piece.starts(with: SentencePieceNormalizer.space)
            {
                piece.removeFirst(SentencePieceNormalizer.space.count)
                sawPrefix = !removesExtraWhitespace
            }
            text += Array(piece).replacing(SentencePieceNormalizer.space, with: [0x20])
        }
        Self.end(&run, &text)
        return [text]
    }

    private static func end(_ run: inout [UInt8], _ text: inout [UInt8]) {
        var rest = run[...]
        while !rest.isEmpty {
            // The shortest prefix that is UTF-8 is one scalar.
            if let width = (1...min(4, rest.count)).first(where: {
                String(validating: rest.prefix($0), as: UTF8.self) != nil
            }) {
                text += rest.prefix(width)
                rest = rest.dropFirst(width)
            } else {
                text += "\u{FFFD}".utf8
                rest = rest.dropFirst()
            }
        }
        run.removeAll()
    }
}

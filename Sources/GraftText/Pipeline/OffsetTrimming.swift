/// Takes the white space of byte-level tokens out of their offsets.
///
/// Reference: `process_offsets` in `pre_tokenizers/byte_level.rs` of `tokenizers`, which counts characters.
struct OffsetTrimming: Sendable, Hashable {
    /// Whether a space may have been put before the text; that one is not in the offset anyway.
    let addsPrefixSpace: Bool

    /// Returns a token's offset without white space.
    ///
    /// - Parameters:
    ///   - range: The offset.
    ///   - token: The spelling of the token, or the text in which an added token was found.
    ///   - isFirst: Whether it is the first token.
    ///   - source: The text.
    /// - Returns: The offset; empty where the token is nothing but white space.
    func trimmed(
        _ range: Range<Int>,
        of token: ArraySlice<UInt8>,
        isFirst: Bool,
        in source: [UInt8]
    ) -> Range<Int> {
        let scalars = String(decoding: token, as: UTF8.self).unicodeScalars
        var leading = scalars.prefix(while: Self.isSpace).count
        let trailing = scalars.reversed().prefix(while: Self.isSpace).count
        if leading == 1, addsPrefixSpace, isFirst || range.lowerBound == 0 { leading = 0 }
        var (start, end) = (range.lowerBound, range.upperBound)
        for _ in 0..<leading where start < end { start += source.width(at: start) }
        for _ in 0..<trailing where end > start {
            end = source.scalarRange(around: end - 1..<end).lowerBound
        }
        return start..<max(start, end)
    }

    /// White space, or the letter that spells a space.
    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\u{120}" || scalar.properties.isWhitespace
    }
}

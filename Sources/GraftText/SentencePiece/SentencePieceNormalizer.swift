/// The normalizer of SentencePiece itself: replacements by a table, white space, the space before a text.
///
/// At each place the longest spelling of the table is replaced; symbols that the user of the trainer defined are left
/// as they are.
///
/// Reference: `Normalizer::Normalize` in `normalizer.cc` of SentencePiece.
struct SentencePieceNormalizer: TextNormalizer {
    /// The letter that stands for a space.
    static let space = Array("\u{2581}".utf8)

    let map: CharacterMap?
    let userDefined: ByteTrie
    let addsDummyPrefix: Bool
    let removesExtraWhitespace: Bool
    let escapesWhitespace: Bool
    let treatsWhitespaceAsSuffix: Bool

    private static let plainSpace: [UInt8] = [0x20]

    private var space: [UInt8] { escapesWhitespace ? Self.space : Self.plainSpace }

    func normalize(_ text: inout NormalizedText) {
        let source = text
        let bytes = source.bytes
        text = source.emptied()
        var index = 0
        if removesExtraWhitespace {
            while index < bytes.count {
                let (length, replacement) = prefix(of: bytes, at: index)
                guard (replacement ?? Array(bytes[index..<index + length])) == Self.plainSpace
                else { break }
                index += length
            }
        }
        guard index < bytes.count else { return }
        if addsDummyPrefix, !treatsWhitespaceAsSuffix {
            text.appendPrefix(space, to: index..<bytes.count, of: source)
        }
        var followsSpace = removesExtraWhitespace
        let changesSpacesAlone = map == nil && userDefined.isEmpty
        while index < bytes.count {
            if changesSpacesAlone, bytes[index] != 0x20 {
                let end = bytes[index...].firstIndex(of: 0x20) ?? bytes.count
                text.append(index..<end, of: source)
                followsSpace = false
                index = end
                continue
            }
            let (length, replacement) = prefix(of: bytes, at: index)
            let part = index..<index + length
            append(part, replacement, of: source, &followsSpace, to: &text)
            index += length
            if !removesExtraWhitespace { followsSpace = false }
        }
        if removesExtraWhitespace {
            while text.bytes.suffix(space.count).elementsEqual(space) {
                text.removeLast(space.count)
            }
        }
        if addsDummyPrefix, treatsWhitespaceAsSuffix {
            let last = bytes.scalarRange(around: bytes.count - 1..<bytes.count)
            text.append(space, from: source.sourceRange(of: last))
        }
    }

    /// How many bytes are taken together at `index`, and what stands in their place, `nil` for themselves.
    private func prefix(of bytes: [UInt8], at index: Int) -> (length: Int, replacement: [UInt8]?) {
        if let length = userDefined.longestKey(in: bytes, at: index) { return (length, nil) }
        if let match = map?.match(in: bytes, index..<bytes.count, longest: true) {
            return (match.length, map?.replacement(for: match))
        }
        return (bytes.width(at: index), nil)
    }

    private func append(
        _ part: Range<Int>,
        _ replacement: [UInt8]?,
        of source: NormalizedText,
        _ followsSpace: inout Bool,
        to text: inout NormalizedText
    ) {
        var rest = replacement.map { $0[...] } ?? source.bytes[part]
        if followsSpace { rest = rest.drop { $0 == 0x20 } }
        guard let last = rest.last else { return }
        followsSpace = last == 0x20
        if replacement == nil, rest.count == part.count, !rest.contains(0x20) {
            text.append(part, of: source)
        } else if rest.elementsEqual(Self.plainSpace) {
            text.append(space, from: source.sourceRange(of: part))
        } else {
            let spaced = Array(rest).replacing(Self.plainSpace, with: space)
            text.append(spaced, from: source.sourceRange(of: part))
        }
    }
}

extension ByteTrie {
    /// The length of the longest key that starts at `index`.
    func longestKey(in bytes: [UInt8], at index: Int) -> Int? {
        var node = Self.root
        var longest: Int?
        for place in index..<bytes.count {
            node = child(of: node, bytes[place])
            if node == Self.root { break }
            if value(at: node) >= 0 { longest = place + 1 - index }
        }
        return longest
    }
}

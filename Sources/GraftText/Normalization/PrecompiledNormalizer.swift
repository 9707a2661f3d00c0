/// Replaces characters by a compiled table, the way `tokenizers` reads SentencePiece's.
///
/// Text is cut into grapheme clusters. A cluster below six bytes that *starts* with a spelling of the table is
/// replaced whole by what stands for the shortest such spelling; of any other cluster each scalar is looked up.
/// SentencePiece itself takes the longest spelling at each place instead (``SentencePieceNormalizer``).
///
/// Reference: `normalizers/precompiled.rs` of `tokenizers`, `transform` of `spm_precompiled`.
struct PrecompiledNormalizer: TextNormalizer {
    let map: CharacterMap

    /// Clusters from this size on are looked up scalar by scalar.
    private static let clusterLimit = 6

    func normalize(_ text: inout NormalizedText) {
        let source = text
        var result = source.emptied()
        var clusters = GraphemeClusters(source.bytes)
        var kept = 0
        func replace(_ range: Range<Int>) -> Bool {
            guard let match = map.match(in: source.bytes, range, longest: false) else {
                return false
            }
            if kept < range.lowerBound { result.append(kept..<range.lowerBound, of: source) }
            result.append(map.replacement(for: match), inPlaceOf: range, of: source)
            kept = range.upperBound
            return true
        }
        var start = 0
        while start < source.bytes.count {
            let cluster = start..<clusters.end(from: start)
            if cluster.count >= Self.clusterLimit || !replace(cluster) {
                var index = start
                while index < cluster.upperBound {
                    let width = source.bytes.width(at: index)
                    if width < cluster.count { _ = replace(index..<index + width) }
                    index += width
                }
            }
            start = cluster.upperBound
        }
        guard kept > 0 else { return }
        result.append(kept..<source.bytes.count, of: source)
        text = result
    }
}

/// Finds the ends of grapheme clusters, quickly where clusters are single scalars.
private struct GraphemeClusters {
    private let bytes: [UInt8]
    private lazy var string = String(decoding: bytes, as: UTF8.self)

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The end of the cluster that starts at `start`.
    mutating func end(from start: Int) -> Int {
        let (scalar, width) = bytes.scalar(at: start)
        let next = start + width
        if next == bytes.count { return next }
        let following = bytes.scalar(at: next).scalar
        if Self.standsAlone(scalar), Self.standsAlone(following),
            scalar != "\r" || following != "\n"
        {
            return next
        }
        let index = string.utf8.index(string.startIndex, offsetBy: start)
        return string.utf8.distance(from: string.startIndex, to: string.index(after: index))
    }

    /// Whether a scalar is never one cluster with another such scalar, line ends apart.
    private static func standsAlone(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case ..<0x300, 0x370..<0x483, 0x48A..<0x530, 0x5D0...0x5EA, 0x620...0x64A,
            0x3041...0x3096, 0x30A1...0x30FA, 0x3400...0x9FFF:
            true
        default:
            false
        }
    }
}

extension NormalizedText {
    /// Appends a replacement of a part of another text, the scalars of both taken for each other in their order.
    ///
    /// Scalars that are more than those of the part come from where its last one does.
    mutating func append(
        _ replacement: [UInt8],
        inPlaceOf part: Range<Int>,
        of text: NormalizedText
    ) {
        var (index, place) = (0, part.lowerBound)
        var last = place..<place
        while index < replacement.count {
            if place < part.upperBound {
                last = place..<place + text.bytes.width(at: place)
                place = last.upperBound
            }
            let width = replacement.width(at: index)
            append(Array(replacement[index..<index + width]), from: text.sourceRange(of: last))
            index += width
        }
    }
}

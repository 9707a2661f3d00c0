/// Finds added tokens in text: the leftmost, and of those the longest.
///
/// Reference: `find_matches` in `tokenizer/added_vocabulary.rs` of `tokenizers`.
struct AddedTokenMatcher: Sendable {
    /// A stretch of text: an added token, or what lies between two of them.
    struct Segment: Equatable {
        let range: Range<Int>
        let id: Int32?
    }

    private var trie = ByteTrie()
    private var tokens: [AddedToken] = []
    private var startsToken = [Bool](repeating: false, count: 256)

    var isEmpty: Bool { tokens.isEmpty }

    /// Adds a token that is spelt `pattern` in the text to be searched.
    mutating func add(_ token: AddedToken, as pattern: some Collection<UInt8>) {
        guard let first = pattern.first, trie.value(of: pattern) == nil else { return }
        trie.insert(pattern, value: Int32(tokens.count))
        tokens.append(token)
        startsToken[Int(first)] = true
    }

    /// Calls `body` with the segments of `bytes[range]`, in order and covering it, until it returns `false`.
    func forEachSegment(
        in bytes: [UInt8],
        _ range: Range<Int>,
        _ body: (Segment) -> Bool
    ) {
        var covered = range.lowerBound
        var index = range.lowerBound
        while !tokens.isEmpty, index < range.upperBound {
            guard startsToken[Int(bytes[index])],
                let match = match(in: bytes, index..<range.upperBound)
            else {
                index += 1
                continue
            }
            index = match.end
            let token = tokens[match.token]
            guard let found = extent(of: token, match.start..<match.end, in: bytes, range, covered)
            else { continue }
            if covered < found.lowerBound {
                guard body(Segment(range: covered..<found.lowerBound, id: nil)) else { return }
            }
            guard body(Segment(range: found, id: token.id)) else { return }
            covered = found.upperBound
        }
        if covered < range.upperBound {
            _ = body(Segment(range: covered..<range.upperBound, id: nil))
        }
    }

    /// The longest token that starts exactly where `rest` does.
    private func match(
        in bytes: [UInt8],
        _ rest: Range<Int>
    ) -> (token: Int, start: Int, end: Int)? {
        var best: (token: Int, start: Int, end: Int)?
        var node = ByteTrie.root
        for index in rest {
            node = trie.child(of: node, bytes[index])
            if node == ByteTrie.root { break }
            let value = trie.value(at: node)
            if value >= 0 { best = (Int(value), rest.lowerBound, index + 1) }
        }
        return best
    }

    /// The range that a match takes, white space included; `nil` if it touches a word and may not.
    private func extent(
        of token: AddedToken,
        _ match: Range<Int>,
        in bytes: [UInt8],
        _ range: Range<Int>,
        _ covered: Int
    ) -> Range<Int>? {
        var (start, end) = (match.lowerBound, match.upperBound)
        if token.isSingleWord {
            if start > range.lowerBound, bytes.scalar(before: start).isWordCharacter { return nil }
            if end < range.upperBound, bytes.scalar(at: end).scalar.isWordCharacter { return nil }
        }
        if token.stripsLeft {
            while start > range.lowerBound {
                let previous = bytes.scalar(before: start)
                guard previous.properties.isWhitespace else { break }
                start -= String(previous).utf8.count
            }
            // White space that the token before has taken stays with it.
            start = max(start, covered)
        }
        while token.stripsRight, end < range.upperBound {
            let next = bytes.scalar(at: end)
            guard next.scalar.properties.isWhitespace else { break }
            end += next.width
        }
        return start..<end
    }
}

extension Unicode.Scalar {
    /// Whether `\w` of Rust's `regex` matches: Unicode's compatibility definition of a word character.
    fileprivate var isWordCharacter: Bool {
        if properties.isAlphabetic || properties.isJoinControl { return true }
        switch properties.generalCategory {
        case .decimalNumber, .connectorPunctuation, .nonspacingMark, .spacingMark, .enclosingMark:
            return true
        default:
            return false
        }
    }
}

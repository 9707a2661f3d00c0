/// The BPE model: the symbols of a word merge, the pair that training merged first coming first.
///
/// Symbols are the characters of a word, or its bytes where text was made byte-level before
/// (``Alphabet/bytes``). A character without a token of its own is spelt in byte tokens (`<0xE2>`), is the
/// unknown token, or is dropped where there is neither.
///
/// Reference: `models/bpe/model.rs` of `tokenizers`.
struct BytePairEncoding: SubwordModel {
    /// What a word is first cut into.
    enum Alphabet: Sendable {
        case bytes
        case characters
    }

    /// How words are spelt, apart from vocabulary and merges.
    struct Options: Sendable {
        var alphabet = Alphabet.bytes
        /// The token for characters without one.
        var unknownID: Int32?
        /// Whether unknown characters in a row are one token.
        var fusesUnknown = false
        /// Whether unknown characters are spelt in bytes.
        var fallsBackToBytes = false
        /// Whether a word that is a token is taken whole, whatever the merges say.
        var ignoresMerges = false
        /// By id, whether a token is found in text; empty if all are.
        var isFound: [Bool] = []
        /// Symbols that are found whole and never merge.
        var frozen = ByteTrie()
        /// What symbols after the first start with.
        var continuingPrefix: [UInt8] = []
        /// What the last symbol of a word ends with.
        var endOfWordSuffix: [UInt8] = []
    }

    let vocabulary: Vocabulary
    let merges: MergeTable
    let options: Options

    /// By byte, the token of a symbol inside a word and of its last symbol; -1 for none.
    private let byteIDs: [Int32]
    private let lastByteIDs: [Int32]

    /// By byte, the token that spells it where a character has none; empty if one of them is missing.
    private let fallbackIDs: [Int32]

    /// Whether no token has a space letter (`▁`) behind another character, so that nothing merges across.
    ///
    /// Text that is not cut into words, as in Llama 2, may then be cut before each: the tokens are the same, and
    /// words are short.
    private let cutsAtSpaces: Bool

    /// Creates a model.
    ///
    /// - Parameters:
    ///   - vocabulary: All tokens.
    ///   - merges: What merges.
    ///   - options: The rest.
    init(vocabulary: Vocabulary, merges: MergeTable, options: Options) {
        self.vocabulary = vocabulary
        self.merges = merges
        self.options = options
        let trie = vocabulary.trie
        byteIDs = ByteAlphabet.letters.map { trie.value(of: $0) ?? -1 }
        lastByteIDs = ByteAlphabet.letters.map {
            trie.value(of: $0 + options.endOfWordSuffix) ?? -1
        }
        fallbackIDs =
            options.fallsBackToBytes
            ? (UInt8.min...UInt8.max).map { trie.value(of: Self.byteToken($0).utf8) ?? -1 } : []
        cutsAtSpaces =
            options.alphabet == .characters && !options.ignoresMerges
            && options.continuingPrefix.isEmpty && options.endOfWordSuffix.isEmpty
            && trie.value(of: Self.space) != nil
            && !(0..<Int32(vocabulary.idBound)).contains { id in
                vocabulary.bytes(of: id).hasSpaceInside
            }
    }

    func endOfPart(of word: Range<Int>, in bytes: [UInt8]) -> Int {
        guard cutsAtSpaces else { return word.upperBound }
        let space = Self.space[0]
        var index = word.lowerBound
        var isBehindText = false
        while index < word.upperBound {
            let isSpace =
                bytes[index] == space && bytes[index..<word.upperBound].starts(with: Self.space)
            if isSpace, isBehindText { return index }
            isBehindText = !isSpace
            index += isSpace ? Self.space.count : 1
        }
        return word.upperBound
    }

    func appendPieces(
        of word: Range<Int>,
        in bytes: [UInt8],
        _ workspace: inout ModelWorkspace,
        to pieces: inout [Piece]
    ) {
        if options.ignoresMerges, let id = id(of: word, in: bytes) {
            pieces.append(Piece(id: id, range: word))
            return
        }
        workspace.merging.reset()
        switch options.alphabet {
        case .bytes: appendBytes(of: word, in: bytes, to: &workspace.merging)
        case .characters: appendCharacters(of: word, in: bytes, &workspace.merging, to: &pieces)
        }
        workspace.merging.merge(with: merges, into: &pieces)
    }

    fileprivate static let space = Array("\u{2581}".utf8)

    /// The token that spells a byte where a character has none.
    static func byteToken(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return byte < 16 ? "<0x0\(digits)>" : "<0x\(digits)>"
    }

    private func id(of word: Range<Int>, in bytes: [UInt8]) -> Int32? {
        let trie = vocabulary.trie
        var node = ByteTrie.root
        for index in word {
            switch options.alphabet {
            case .characters:
                node = trie.child(of: node, bytes[index])
                if node == ByteTrie.root { return nil }
            case .bytes:
                for byte in ByteAlphabet.letters[Int(bytes[index])] {
                    node = trie.child(of: node, byte)
                    if node == ByteTrie.root { return nil }
                }
            }
        }
        let value = trie.value(at: node)
        return value < 0 ? nil : value
    }

    private func appendBytes(
        of word: Range<Int>,
        in bytes: [UInt8],
        to symbols: inout MergeWorkspace
    ) {
        var unknown = UnknownRun(options)
        for index in word {
            let isLast = index + 1 == word.upperBound
            let id = (isLast ? lastByteIDs : byteIDs)[Int(bytes[index])]
            if id >= 0 {
                unknown.end(in: &symbols)
                symbols.append(id, index..<index + 1)
            } else {
                unknown.add(index..<index + 1, to: &symbols)
            }
        }
        unknown.end(in: &symbols)
    }

    /// Adds the symbols of a word, and merges those before each that never merges.
    private func appendCharacters(
        of word: Range<Int>,
        in bytes: [UInt8],
        _ symbols: inout MergeWorkspace,
        to pieces: inout [Piece]
    ) {
        var unknown = UnknownRun(options)
        var index = word.lowerBound
        while index < word.upperBound {
            if let length = options.frozen.longestKey(in: bytes, at: index) {
                let range = index..<index + length
                unknown.end(in: &symbols)
                symbols.merge(with: merges, into: &pieces)
                symbols.reset()
                pieces.append(Piece(id: options.frozen.value(of: bytes[range]) ?? 0, range: range))
                index += length
                continue
            }
            let range = index..<index + bytes.width(at: index)
            index = range.upperBound
            if let id = id(ofSymbol: range, in: bytes, word) {
                unknown.end(in: &symbols)
                symbols.append(id, range)
            } else if options.fallsBackToBytes,
                range.allSatisfy({ fallbackIDs[Int(bytes[$0])] >= 0 })
            {
                for place in range {
                    symbols.append(fallbackIDs[Int(bytes[place])], place..<place + 1)
                }
            } else {
                unknown.add(range, to: &symbols)
            }
        }
        unknown.end(in: &symbols)
    }

    /// The token of a character, with what it starts and ends with at its place in the word.
    private func id(ofSymbol range: Range<Int>, in bytes: [UInt8], _ word: Range<Int>) -> Int32? {
        let trie = vocabulary.trie
        var node = ByteTrie.root
        @inline(__always)
        func step(_ byte: UInt8) -> Bool {
            node = trie.child(of: node, byte)
            return node != ByteTrie.root
        }
        if range.lowerBound > word.lowerBound, !options.continuingPrefix.allSatisfy(step) {
            return nil
        }
        for index in range where !step(bytes[index]) { return nil }
        if range.upperBound == word.upperBound, !options.endOfWordSuffix.allSatisfy(step) {
            return nil
        }
        let value = trie.value(at: node)
        guard value >= 0, options.isFound.isEmpty || options.isFound[Int(value)] else { return nil }
        return value
    }
}

extension ArraySlice<UInt8> {
    /// Whether a space letter stands behind another character.
    fileprivate var hasSpaceInside: Bool {
        var rest = self
        while rest.starts(with: BytePairEncoding.space) {
            rest = rest.dropFirst(BytePairEncoding.space.count)
        }
        return rest.indices.contains { index in
            self[index] == BytePairEncoding.space[0]
                && rest[index...].starts(with: BytePairEncoding.space)
        }
    }
}

/// Unknown characters in a row, one token or one each.
private struct UnknownRun {
    private let id: Int32?
    private let fuses: Bool
    private var range: Range<Int>?

    init(_ options: BytePairEncoding.Options) {
        id = options.unknownID
        fuses = options.fusesUnknown
    }

    mutating func add(_ character: Range<Int>, to symbols: inout MergeWorkspace) {
        if fuses, let range {
            self.range = range.lowerBound..<character.upperBound
        } else {
            end(in: &symbols)
            range = character
        }
    }

    @inline(__always)
    mutating func end(in symbols: inout MergeWorkspace) {
        guard let range else { return }
        if let id { symbols.append(id, range) }
        self.range = nil
    }
}

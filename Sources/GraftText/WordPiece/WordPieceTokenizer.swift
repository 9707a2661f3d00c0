/// The tokenizer of BERT and its kin: normalization, words, word pieces, special tokens.
///
/// A call works on UTF-8 bytes in buffers of its own, and touches nothing shared but the vocabulary.
public struct WordPieceTokenizer: Tokenizer {
    private let model: WordPiece
    private let normalizer: BertNormalizer?
    private let preTokenizer = BertPreTokenizer()
    private let template: SequenceTemplate
    private let decoder: WordPieceDecoder?
    private let addedTokens: [Int32: AddedToken]
    private let addedIDs: ByteTrie
    private let literalMatcher: AddedTokenMatcher
    private let normalizedMatcher: AddedTokenMatcher

    /// Creates a tokenizer.
    ///
    /// - Parameters:
    ///   - model: How words are cut.
    ///   - normalizer: How text is changed before; `nil` to leave it as it is.
    ///   - template: Where special tokens are put.
    ///   - decoder: How pieces are joined into text; `nil` to join them with spaces.
    ///   - addedTokens: The tokens found before the model sees the text.
    init(
        model: WordPiece,
        normalizer: BertNormalizer?,
        template: SequenceTemplate,
        decoder: WordPieceDecoder?,
        addedTokens: [AddedToken]
    ) {
        self.model = model
        self.normalizer = normalizer
        self.template = template
        self.decoder = decoder
        var ids = ByteTrie()
        var literal = AddedTokenMatcher()
        var normalized = AddedTokenMatcher()
        for token in addedTokens {
            ids.insert(token.content.utf8, value: token.id)
            if token.isNormalized {
                let content = Array(token.content.utf8)
                var text = NormalizedText(tracksSource: false)
                Self.normalize(content, content.indices, with: normalizer, into: &text)
                normalized.add(token, as: text.bytes)
            } else {
                literal.add(token, as: token.content.utf8)
            }
        }
        self.addedTokens = Dictionary(addedTokens.map { ($0.id, $0) }) { _, last in last }
        addedIDs = ids
        literalMatcher = literal
        normalizedMatcher = normalized
    }

    public var vocabularySize: Int {
        model.vocabulary.count
            + addedTokens.keys.count { model.vocabulary.token(of: $0) == nil }
    }

    public func id(of token: String) -> Int32? {
        addedIDs.value(of: token.utf8) ?? model.vocabulary.id(of: token)
    }

    public func token(of id: Int32) -> String? {
        addedTokens[id]?.content ?? model.vocabulary.token(of: id)
    }

    public func decode(_ ids: some Sequence<Int32>, skippingSpecialTokens: Bool) -> String {
        let tokens = ids.compactMap { id in
            let isSpecial = addedTokens[id]?.isSpecial ?? false
            return skippingSpecialTokens && isSpecial ? nil : token(of: id)
        }
        return decoder?.decode(tokens) ?? tokens.joined(separator: " ")
    }

    public func encode(_ input: TextInput, options: EncodingOptions) -> Encoding {
        var isPair = false
        if case .pair = input { isPair = true }
        let specials = options.addsSpecialTokens ? template.specialCount(isPair: isPair) : 0
        let limit = options.maxLength.map { max(0, $0 - specials) } ?? .max
        // Which text of a pair is the longer shows only once both are done.
        let firstLimit = isPair ? .max : limit

        var first = TokenBuffer(tracksSource: options.tracksSource, limit: firstLimit)
        switch input {
        case .text(let text):
            encode(text, into: &first)
        case .words(let words):
            for (index, word) in words.enumerated() where !first.isFull {
                encode(word, asWord: Int32(truncatingIfNeeded: index), into: &first)
            }
        case .pair(let text, let other):
            var second = TokenBuffer(tracksSource: options.tracksSource)
            encode(text, into: &first)
            encode(other, into: &second)
            let kept = Truncation.longestFirst(first.ids.count, second.ids.count, limit: limit)
            return template.assemble(first, kept.first, second, kept.second, options: options)
        }
        let kept = min(first.ids.count, limit)
        return template.assemble(first, kept, nil, 0, options: options)
    }

    /// Returns `text` as it is searched for words, added tokens not looked for.
    package func normalized(_ text: String) -> String {
        let source = Array(text.utf8)
        var normalized = NormalizedText(tracksSource: false)
        Self.normalize(source, source.indices, with: normalizer, into: &normalized)
        return String(decoding: normalized.bytes, as: UTF8.self)
    }

    /// Adds the tokens of `text`.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - fixedWord: The word that all tokens belong to; `nil` to count words.
    ///   - tokens: What they are added to.
    private func encode(
        _ text: String,
        asWord fixedWord: Int32? = nil,
        into tokens: inout TokenBuffer
    ) {
        let source = Array(text.utf8)
        tokens.word = fixedWord ?? 0
        tokens.reserve(tokens.ids.count + source.count / 4 + 4)
        let wordStep: Int32 = fixedWord == nil ? 1 : 0
        var normalized = NormalizedText(tracksSource: tokens.tracksSource)
        normalized.reserve(source.count)
        var pieces: [WordPiece.Piece] = []
        literalMatcher.forEachSegment(in: source, source.indices) { segment in
            if let id = segment.id {
                tokens.append(id, from: segment.range)
                tokens.word += wordStep
            } else {
                normalized.reset(origin: segment.range.lowerBound)
                Self.normalize(source, segment.range, with: normalizer, into: &normalized)
                encode(normalized, wordStep, &pieces, into: &tokens)
            }
            return !tokens.isFull
        }
    }

    private func encode(
        _ text: NormalizedText,
        _ wordStep: Int32,
        _ pieces: inout [WordPiece.Piece],
        into tokens: inout TokenBuffer
    ) {
        let bytes = text.bytes
        normalizedMatcher.forEachSegment(in: bytes, bytes.indices) { segment in
            if let id = segment.id {
                tokens.append(id, from: text.sourceRange(of: segment.range))
                tokens.word += wordStep
                return !tokens.isFull
            }
            preTokenizer.forEachWord(in: bytes, segment.range) { word in
                model.forEachPiece(of: word, in: bytes, pieces: &pieces) { id, range in
                    tokens.append(id, from: text.sourceRange(of: range))
                }
                tokens.word += wordStep
                return !tokens.isFull
            }
            return !tokens.isFull
        }
    }

    private static func normalize(
        _ source: [UInt8],
        _ segment: Range<Int>,
        with normalizer: BertNormalizer?,
        into text: inout NormalizedText
    ) {
        if let normalizer {
            normalizer.normalize(source, segment, into: &text)
        } else {
            text.append(verbatim: source[segment])
        }
    }
}

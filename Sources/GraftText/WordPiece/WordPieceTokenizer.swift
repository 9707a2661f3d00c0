/// The tokenizer of BERT and its kin: normalization, words, word pieces, special tokens.
///
/// A call works on UTF-8 bytes in buffers of its own, and touches nothing shared but the vocabulary.
public struct WordPieceTokenizer: Tokenizer {
    private let model: WordPiece
    private let normalizer: BertNormalizer?
    private let preTokenizer = BertPreTokenizer()
    private let template: SequenceTemplate
    private let decoder: WordPieceDecoder?
    private let added: AddedVocabulary

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
        added = AddedVocabulary(addedTokens) { content in
            var text = NormalizedText(tracksSource: false)
            Self.normalize(content, content.indices, with: normalizer, into: &text)
            return text.bytes
        }
    }

    public var vocabularySize: Int { added.count(with: model.vocabulary) }

    public func id(of token: String) -> Int32? {
        added.id(of: token) ?? model.vocabulary.id(of: token)
    }

    public func token(of id: Int32) -> String? {
        added.token(of: id) ?? model.vocabulary.token(of: id)
    }

    public func decode(_ ids: some Sequence<Int32>, skippingSpecialTokens: Bool) -> String {
        let tokens = ids.compactMap { id in
            skippingSpecialTokens && added.isSpecial(id) ? nil : token(of: id)
        }
        return decoder?.decode(tokens) ?? tokens.joined(separator: " ")
    }

    public func encode(_ input: TextInput, options: EncodingOptions) -> Encoding {
        template.encode(input, options: options) { text, word, tokens in
            encode(text, asWord: word, into: &tokens)
        }
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
        asWord fixedWord: Int32?,
        into tokens: inout TokenBuffer
    ) {
        let source = Array(text.utf8)
        tokens.word = fixedWord ?? 0
        tokens.reserve(tokens.ids.count + source.count / 4 + 4)
        let wordStep: Int32 = fixedWord == nil ? 1 : 0
        var normalized = NormalizedText(tracksSource: tokens.tracksSource)
        normalized.reserve(source.count)
        var pieces: [WordPiece.Piece] = []
        added.literal.forEachSegment(in: source, source.indices) { segment in
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
        added.normalized.forEachSegment(in: bytes, bytes.indices) { segment in
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

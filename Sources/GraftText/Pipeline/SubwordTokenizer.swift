/// A tokenizer put together from steps: normalizers, pre-tokenizers, a model, a template, decoders.
///
/// A call works on UTF-8 bytes in buffers that are its own meanwhile, and touches nothing shared but the vocabulary.
///
/// Byte-level BPE (GPT-2, RoBERTa, Llama 3, Qwen 2, CLIP), BPE with byte fallback (Llama 2) and Unigram
/// (T5, XLM-R, ALBERT) are such tokenizers. WordPiece has one of its own, ``WordPieceTokenizer``.
public struct SubwordTokenizer: Tokenizer {
    /// The steps.
    struct Steps: Sendable {
        var normalizers: [any TextNormalizer] = []
        var preTokenizers: [any PreTokenizer] = []
        var model: any SubwordModel
        var template = SequenceTemplate.plain
        /// `nil` to leave white space in the offsets of tokens.
        var trimming: OffsetTrimming?
        /// `nil` to join tokens with spaces.
        var decoder: DecoderChain?
    }

    private let steps: Steps
    private let added: AddedVocabulary
    private let memories = SpellingMemories()

    /// Creates a tokenizer.
    ///
    /// - Parameters:
    ///   - steps: What is done with text.
    ///   - addedTokens: The tokens found before the model sees the text.
    init(_ steps: Steps, addedTokens: [AddedToken]) {
        self.steps = steps
        added = AddedVocabulary(addedTokens) { content in
            var text = NormalizedText(content, content.indices, tracksSource: false)
            steps.normalizers.normalize(&text)
            return text.bytes
        }
    }

    public var vocabularySize: Int { added.count(with: steps.model.vocabulary) }

    public func id(of token: String) -> Int32? {
        added.id(of: token) ?? steps.model.vocabulary.id(of: token)
    }

    public func token(of id: Int32) -> String? {
        added.token(of: id) ?? steps.model.vocabulary.token(of: id)
    }

    public func decode(_ ids: some Sequence<Int32>, skippingSpecialTokens: Bool) -> String {
        let tokens = ids.compactMap { id in
            skippingSpecialTokens && added.isSpecial(id) ? nil : token(of: id)
        }
        return steps.decoder?.decode(tokens) ?? tokens.joined(separator: " ")
    }

    public func encode(_ input: TextInput, options: EncodingOptions) -> Encoding {
        steps.template.encode(input, options: options) { text, word, tokens in
            encode(text, asWord: word, into: &tokens)
        }
    }

    /// Returns `text` as it is cut into words, added tokens not looked for.
    package func normalized(_ text: String) -> String {
        let source = Array(text.utf8)
        var text = NormalizedText(source, source.indices, tracksSource: false)
        steps.normalizers.normalize(&text)
        return String(decoding: text.bytes, as: UTF8.self)
    }

    /// Adds the tokens of `text`, all to one word if its number is given.
    private func encode(_ text: String, asWord word: Int32?, into tokens: inout TokenBuffer) {
        var run = Run(
            source: Array(text.utf8),
            wordStep: word == nil ? 1 : 0,
            memory: memories.take()
        )
        // Taken over rather than copied: texts that come in words share one buffer.
        swap(&run.tokens, &tokens)
        defer {
            swap(&run.tokens, &tokens)
            memories.giveBack(run.memory)
        }
        run.tokens.word = word ?? 0
        run.tokens.reserve(run.tokens.ids.count + run.source.count / 4 + 4)
        added.literal.forEachSegment(in: run.source, run.source.indices) { segment in
            if let id = segment.id {
                run.append(
                    id,
                    spelt: run.source[segment.range],
                    from: segment.range,
                    steps.trimming
                )
                run.tokens.word += run.wordStep
            } else {
                var text = NormalizedText(
                    run.source,
                    segment.range,
                    tracksSource: run.tokens.tracksSource
                )
                steps.normalizers.normalize(&text)
                encode(text, &run)
            }
            return !run.tokens.isFull
        }
    }

    private func encode(_ text: NormalizedText, _ run: inout Run) {
        added.normalized.forEachSegment(in: text.bytes, text.bytes.indices) { segment in
            if let id = segment.id {
                run.append(
                    id,
                    spelt: text.bytes[segment.range],
                    from: text.sourceRange(of: segment.range),
                    steps.trimming
                )
                run.tokens.word += run.wordStep
            } else {
                var words = Words(text.part(segment.range))
                for step in steps.preTokenizers { step.split(&words) }
                encode(words, &run)
            }
            return !run.tokens.isFull
        }
    }

    private func encode(_ words: Words, _ run: inout Run) {
        let (model, text) = (steps.model, words.text)
        for word in words.ranges {
            run.pieces.removeAll(keepingCapacity: true)
            model.spell(word, in: text.bytes, &run.memory, to: &run.pieces)
            for piece in run.pieces {
                guard run.tokens.tracksSource else {
                    run.tokens.append(piece.id, from: 0..<0)
                    continue
                }
                // A token of bytes may begin or end inside a character, whose whole range it then has.
                let range = text.sourceRange(of: text.bytes.scalarRange(around: piece.range))
                let spelling = model.vocabulary.bytes(of: piece.id)
                run.append(piece.id, spelt: spelling, from: range, steps.trimming)
            }
            run.tokens.word += run.wordStep
            if run.tokens.isFull { return }
        }
    }
}

/// The state of encoding one text.
private struct Run {
    let source: [UInt8]
    /// 1 to count words, 0 to give all tokens to one.
    let wordStep: Int32
    var tokens = TokenBuffer(tracksSource: false)
    var memory: SpellingMemory
    var pieces: [Piece] = []

    init(source: [UInt8], wordStep: Int32, memory: SpellingMemory) {
        self.source = source
        self.wordStep = wordStep
        self.memory = memory
    }

    /// Adds a token whose offset may have white space to be trimmed.
    mutating func append(
        _ id: Int32,
        spelt spelling: ArraySlice<UInt8>,
        from range: Range<Int>,
        _ trimming: OffsetTrimming?
    ) {
        var range = range
        if tokens.tracksSource, let trimming {
            range = trimming.trimmed(
                range,
                of: spelling,
                isFirst: tokens.ids.isEmpty,
                in: source
            )
        }
        tokens.append(id, from: range)
    }
}

public import GraftData
internal import GraftFormats
internal import GraftLayers
public import GraftModels
internal import GraftText
internal import GraftTorch
internal import Synchronization

/// Writes texts on, answers conversations, and answers texts with others, with a model and what was trained for it.
///
/// ```swift
/// let base = try BaseModel(path: "TinyLlama")
/// let writer = try TextWriter(base, adapter: Predictor(base, adapter: AdapterBundle(path: "runs/poet")))
/// print(try writer([.text("Shall I compare thee")])[0].text)
/// ```
public struct TextWriter: Sendable {
    /// What is written on or answered.
    public enum Prompt: Sendable, Hashable {
        /// A text; for a model with an encoder and a decoder the source.
        case text(String)
        /// A conversation, which the assistant is to answer; the model's chat template writes it.
        case messages([RowMessage])
    }

    /// What was written behind a prompt.
    public struct Answer: Sendable, Hashable {
        /// The new text, up to a stop string or an end token.
        public let text: String
        /// How many tokens the model read of the prompt.
        public let promptTokenCount: Int
        /// How many tokens the model wrote for it.
        public let tokenCount: Int
        /// Why there is no more.
        public let ending: TokenWriter.Ending
    }

    /// How tokens are chosen; by default those of the model end a row.
    public var options: GenerationOptions
    /// Texts at which a row ends; they are no part of the answer.
    public var stops: [String] = []
    /// The rows that are written on at once.
    public var batchSize = 8

    private let base: BaseModel
    private let model: any LanguageModel
    private let adapters: SiteAdapters
    /// Whether a prompt is a source that another text answers, not the beginning of one.
    private let answersSources: Bool
    /// The most tokens of a source: as many as training read.
    private let sourceLimit: Int?

    /// Takes a model, with an adapter or as it is.
    ///
    /// - Parameters:
    ///   - base: The frozen model.
    ///   - predictor: An adapter on it, which must have been trained to write; a source is then cut as in training.
    /// - Throws: `ConfigurationError` if the model writes no text, ``TrainingError`` if the adapter answers in another way.
    public init(_ base: BaseModel, adapter predictor: Predictor? = nil) throws {
        self.base = base
        let head: Head
        if let predictor {
            let kind = predictor.bundle.head.kind
            guard kind.writesText else {
                throw TrainingError.settings(
                    "the adapter was trained for \(kind.rawValue), not to write (hint: graft predict)"
                )
            }
            head = predictor.model.head
            adapters = predictor.model.adapters
        } else {
            let kind = base.ownTask == .seq2seq ? HeadKind.seq2seq : .causalLM
            head = try Head(
                HeadConfiguration(kind, outputCount: base.shape.vocabularySize),
                writer: kind.writer(base.model)
            )
            adapters = SiteAdapters()
        }
        guard let writer = head.writer else {
            throw TrainingError.settings("\(base.path): the model writes no text")
        }
        model = writer
        answersSources = writer is any EncoderDecoder
        sourceLimit = answersSources ? predictor?.bundle.maxLength : nil
        options = GenerationOptions()
        options.endTokens = Set(try base.endTokens())
    }

    /// The tokens that the model reads of a prompt.
    ///
    /// - Parameter prompt: A text or a conversation.
    /// - Returns: At least one token.
    /// - Throws: ``TrainingError`` if it has none, or the model has no chat template; `ChatTemplateError` if the template
    ///   refuses the messages.
    public func tokens(of prompt: Prompt) throws -> [Int32] {
        let tokenizer = try base.tokenizer
        var ids: [Int32]
        switch prompt {
        case .text(let text):
            let encoding = tokenizer.encode(
                .text(text),
                options: EncodingOptions(maxLength: sourceLimit, tracksSource: false)
            )
            guard !answersSources else {
                ids = encoding.ids
                break
            }
            // What ends a text would end it before it goes on.
            let ending = encoding.isSpecial.reversed().prefix { $0 }.count
            let isAllSpecial = ending == encoding.count
            ids = isAllSpecial ? Array(encoding.ids.prefix(1)) : encoding.ids.dropLast(ending)
        case .messages(let messages):
            guard messages.last?.role != "assistant" else {
                throw TrainingError.settings(
                    "the last message is the assistant's own: nothing to answer"
                )
            }
            guard let template = try base.chatTemplate() else { throw WrittenText.noTemplate }
            let text = try template.render(
                messages.map { ChatMessage(role: $0.role, content: $0.content) },
                addsGenerationPrompt: true
            )
            let options = EncodingOptions(addsSpecialTokens: false, tracksSource: false)
            ids = tokenizer.encode(.text(text), options: options).ids
            if let sourceLimit { ids = Array(ids.prefix(sourceLimit)) }
        }
        guard !ids.isEmpty else {
            throw TrainingError.settings(
                "the prompt has no tokens (hint: this model's tokenizer adds none to an empty text)"
            )
        }
        return ids
    }

    /// Writes prompts on.
    ///
    /// - Parameters:
    ///   - prompts: What is written on.
    ///   - firstKey: The number of the first prompt among all for which the seed draws.
    ///   - workers: How many batches are computed at once.
    ///   - onText: Told of text that has become certain, with the number of its prompt, from any thread; a search tells all of it
    ///     at its end.
    ///   - place: What errors call a prompt, by its index.
    /// - Returns: What was written behind each prompt.
    /// - Throws: ``TrainingError`` naming the place of a prompt that has no tokens, that the chat template refuses or that
    ///   fills the model's positions; `ConfigurationError` naming an option that cannot be used; `TorchError` if memory runs out.
    public func callAsFunction(
        _ prompts: [Prompt],
        firstKey: Int = 0,
        workers: Workers = Workers(),
        onText: @Sendable (Int, String) -> Void = { _, _ in },
        place: @Sendable (Int) -> String = { "prompt \($0)" }
    ) throws -> [Answer] {
        let writer = try TokenWriter(
            model,
            adapters: adapters,
            options: options,
            device: base.device
        )
        try checkStops()
        let rows = try prompts.enumerated().map { index, prompt in
            do { return try tokens(of: prompt) } catch {
                throw TrainingError.settings("\(place(index)): \(error)")
            }
        }
        let batches = stride(from: 0, to: rows.count, by: max(1, batchSize)).map {
            $0..<min($0 + max(1, batchSize), rows.count)
        }
        let tokenizer = try base.tokenizer
        let workers = base.device == .cpu ? workers : Workers(1)
        return try workers.map(batches.count) { index in
            let batch = batches[index]
            var texts = batch.map { row in
                RowText(tokenizer, prompt: answersSources ? [] : rows[row], stops: stops)
            }
            let written: [TokenWriter.Written]
            do {
                written = try writer(
                    Array(rows[batch]),
                    keys: batch.map { UInt64(firstKey + $0) }
                ) { row, token in
                    let text = texts[row].append(token)
                    if !text.isEmpty { onText(batch.lowerBound + row, text) }
                    return !texts[row].isStopped
                }
            } catch let error as TokenWriter.PromptError {
                let place = place(batch.lowerBound + error.row)
                throw TrainingError.settings("\(place): \(error.problem)")
            }
            return written.indices.map { row in
                if options.beams > 1 {
                    let ends = options.endTokens
                    for token in written[row].tokens where !ends.contains(token) {
                        _ = texts[row].append(token)
                    }
                }
                let rest = texts[row].finish()
                // A search knows what it wrote at its end alone.
                let untold = options.beams > 1 ? texts[row].text : rest
                if !untold.isEmpty { onText(batch.lowerBound + row, untold) }
                return Answer(
                    text: texts[row].text,
                    promptTokenCount: rows[batch.lowerBound + row].count,
                    tokenCount: written[row].tokens.count,
                    ending: written[row].ending
                )
            }
        }.flatMap { $0 }
    }

    private func checkStops() throws {
        guard !stops.contains("") else {
            throw ConfigurationError(field: "stop", problem: "an empty text stops everything")
        }
        guard stops.isEmpty || options.beams == 1 else {
            throw ConfigurationError(field: "stop", problem: "a search does not stop at texts")
        }
    }
}

/// The text of a row as its tokens come.
private struct RowText {
    private(set) var text = ""
    private var decoder: StreamingDecoder
    private var filter: StopFilter

    /// Begins behind a prompt, on whose last tokens the first new one's text may depend.
    init(_ tokenizer: any Tokenizer, prompt: [Int32], stops: [String]) {
        decoder = StreamingDecoder(tokenizer)
        filter = StopFilter(stops)
        for token in prompt { _ = decoder.append(token) }
    }

    var isStopped: Bool { filter.isStopped }

    mutating func append(_ token: Int32) -> String {
        let new = filter.append(decoder.append(token))
        text += new
        return new
    }

    mutating func finish() -> String {
        let new = filter.append(decoder.finish()) + filter.finish()
        text += new
        return new
    }
}

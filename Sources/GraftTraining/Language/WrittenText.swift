internal import Foundation
internal import GraftData
internal import GraftText

/// A text that a language model reads, and which of it the model is to write.
struct WrittenText: Sendable, Hashable {
    let text: String
    /// The UTF-8 bytes that are to be written, in rising order; `nil` for all, special tokens included.
    let wanted: [Range<Int>]?
    /// Whether the tokenizer puts its special tokens around, as it does not around what a template wrote.
    let addsSpecialTokens: Bool
    /// Whether the end token follows: the model is to learn where to stop.
    let isEnded: Bool

    /// A text, of which every token is to be written.
    init(text: String) {
        (self.text, wanted, addsSpecialTokens, isEnded) = (text, nil, true, false)
    }

    /// A prompt, and a completion that is to be written, with an end.
    init(prompt: String, completion: String) {
        text = prompt + completion
        wanted = [prompt.utf8.count..<text.utf8.count]
        (addsSpecialTokens, isEnded) = (true, true)
    }

    /// A conversation, of which the assistant's answers are to be written, with the marks that the template ends them with.
    ///
    /// - Parameters:
    ///   - messages: The conversation.
    ///   - template: How the model wants conversations written.
    /// - Throws: `ChatTemplateError` if the template refuses the messages, ``TrainingError`` if it writes messages in
    ///   another way when others follow, so that there is no telling the answers.
    init(_ messages: [RowMessage], _ template: ChatTemplate) throws {
        func written(_ count: Int, isAnswered: Bool) throws -> String {
            try template.render(
                messages.prefix(count).map { ChatMessage(role: $0.role, content: $0.content) },
                addsGenerationPrompt: !isAnswered,
                date: WrittenText.date,
                timeZone: .gmt
            )
        }
        let all = try written(messages.count, isAnswered: true)
        let answers = messages.indices.filter { messages[$0].role == "assistant" }
        wanted = try answers.map { index in
            let before = index == 0 ? "" : try written(index, isAnswered: false)
            let through = try written(index + 1, isAnswered: true)
            guard all.utf8.starts(with: through.utf8), through.utf8.starts(with: before.utf8) else {
                throw TrainingError.settings(
                    "the chat template writes message \(index + 1) in another way when others follow it:"
                        + " which part is the answer cannot be told"
                )
            }
            return before.utf8.count..<through.utf8.count
        }
        text = all
        (addsSpecialTokens, isEnded) = (false, false)
    }

    /// What is said of conversations where the model's folder has no template.
    static let noTemplate = TrainingError.settings(
        "the model has no chat template to write messages with (hint: put chat_template.jinja into its"
            + " folder, or give rows of text)"
    )

    /// What templates that tell the day take for today, 26 July 2024, the date in those that name one: what is learned
    /// must not depend on when.
    private static let date = Date(timeIntervalSince1970: 1_721_952_000)
}

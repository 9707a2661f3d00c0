public import Foundation

/// A message of a conversation.
public struct ChatMessage: Sendable {
    /// Who says it: `system`, `user`, `assistant`, or whatever else the template knows.
    public var role: String

    /// What is said.
    public var content: String

    /// Creates a message.
    public init(role: String, content: String) {
        self.role = role
        self.content = content
    }
}

/// How a model wants conversations written: the `chat_template` of its tokenizer.
///
/// Templates are written in Jinja. This is the part of it that the templates of Llama 2 and 3, Mistral, Qwen and ChatML are
/// made of: `if`, `for`, `set`, `break`, `continue`, namespaces, slices, arithmetic, the usual filters, tests and methods
/// of strings and dictionaries, `raise_exception`, `range` and `strftime_now`. Anything else is an error that names the
/// construct and its line; macros, inclusion and inheritance are such.
///
/// Reference: `apply_chat_template` of `transformers` 4.57, whose text this gives character for character.
public struct ChatTemplate: Sendable {
    private let statements: [TemplateStatement]
    private let variables: [String: TemplateValue]

    /// Parses a template.
    ///
    /// - Parameters:
    ///   - source: The template.
    ///   - variables: Values that every rendering has, such as `bos_token`.
    /// - Throws: ``ChatTemplateError`` if the template is not well-formed, or has statements Graft does not have.
    public init(
        _ source: String,
        variables: [String: TemplateValue] = [:]
    ) throws(ChatTemplateError) {
        statements = try TemplateParser.statements(of: source)
        self.variables = variables
    }

    /// Returns the text of a conversation.
    ///
    /// - Parameters:
    ///   - messages: The messages.
    ///   - addsGenerationPrompt: Whether the text ends where the answer of the assistant begins.
    ///   - variables: More values, which come before those of the template.
    ///   - date: What the template takes for now.
    ///   - timeZone: Where that is.
    /// - Returns: The text, without any token added.
    /// - Throws: ``ChatTemplateError`` if the template refuses the messages, or cannot be rendered with them.
    public func render(
        _ messages: [ChatMessage],
        addsGenerationPrompt: Bool = false,
        variables: [String: TemplateValue] = [:],
        date: Date = Date(),
        timeZone: TimeZone = .current
    ) throws(ChatTemplateError) -> String {
        let list = messages.map { message in
            TemplateValue.object([
                ("role", .string(message.role)), ("content", .string(message.content)),
            ])
        }
        return try render(
            list,
            addsGenerationPrompt: addsGenerationPrompt,
            variables: variables,
            date: date,
            timeZone: timeZone
        )
    }

    /// Returns the text of a conversation whose messages have more than a role and a content.
    ///
    /// - Parameters:
    ///   - messages: The messages, as dictionaries.
    ///   - addsGenerationPrompt: Whether the text ends where the answer of the assistant begins.
    ///   - variables: More values, which come before those of the template.
    ///   - date: What the template takes for now.
    ///   - timeZone: Where that is.
    /// - Returns: The text, without any token added.
    /// - Throws: ``ChatTemplateError`` if the template refuses the messages, or cannot be rendered with them.
    public func render(
        _ messages: [TemplateValue],
        addsGenerationPrompt: Bool = false,
        variables: [String: TemplateValue] = [:],
        date: Date = Date(),
        timeZone: TimeZone = .current
    ) throws(ChatTemplateError) -> String {
        var all = self.variables.merging(variables) { _, new in new }
        all["messages"] = .array(messages)
        all["add_generation_prompt"] = .bool(addsGenerationPrompt)
        // The reference passes both, empty or not.
        all["tools"] = all["tools"] ?? .null
        all["documents"] = all["documents"] ?? .null
        let clock = TemplateClock(date: date, timeZone: timeZone)
        var evaluator = TemplateEvaluator(all, clock: clock)
        try evaluator.run(statements)
        return evaluator.output
    }
}

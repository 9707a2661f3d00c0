internal import GraftLayers
package import GraftModels

extension HeadKind {
    /// The model, as one that writes as this task asks.
    ///
    /// - Parameter model: A model.
    /// - Returns: The same model.
    /// - Throws: `ConfigurationError` naming the family if it writes nothing, or in another way.
    package func writer(_ model: any Model) throws -> any LanguageModel {
        guard self != .seq2seq else { return try HeadKind.answerer(model) }
        let family = model.shape.family
        guard let writer = model as? any LanguageModel else {
            throw refusal(
                "a \(family) model writes no text, which '\(rawValue)' needs"
                    + " (hint: Llama, Mistral, Qwen 2 and GPT-2 do)"
            )
        }
        guard !(writer is any EncoderDecoder) else {
            throw refusal(
                "a \(family) model answers a text with another, and '\(rawValue)' writes one on"
                    + " (hint: the task '\(HeadKind.seq2seq.rawValue)')"
            )
        }
        return writer
    }

    /// The model, as one that answers a text with another.
    ///
    /// - Parameter model: A model.
    /// - Returns: The same model.
    /// - Throws: `ConfigurationError` naming the family if it is none.
    static func answerer(_ model: any Model) throws -> any EncoderDecoder {
        if let answerer = model as? any EncoderDecoder { return answerer }
        let (kind, family) = (HeadKind.seq2seq, model.shape.family)
        throw kind.refusal(
            model is any LanguageModel
                ? "a \(family) model writes a text on, and '\(kind.rawValue)' answers one with"
                    + " another (hint: the task '\(HeadKind.causalLM.rawValue)')"
                : "a \(family) model writes no text, which '\(kind.rawValue)' needs"
                    + " (hint: T5 and mT5 do)"
        )
    }

    private func refusal(_ problem: String) -> ConfigurationError {
        ConfigurationError(field: "task", problem: problem)
    }
}

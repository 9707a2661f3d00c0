package import GraftModels

/// A causal model of a folder of `Tests/Fixtures`, such as `llama/gqa`, without a tokenizer.
package func referenceLanguageModel(_ name: String) throws -> any TextEncoder & LanguageModel {
    guard let model = try referenceModel(name) as? any TextEncoder & LanguageModel else {
        throw MissingFixturePart(name: name, key: "a language model")
    }
    return model
}

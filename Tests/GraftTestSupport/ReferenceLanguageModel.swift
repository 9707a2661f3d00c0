internal import Foundation
internal import GraftFormats
internal import GraftLayers
package import GraftModels

/// A causal model of a folder of `Tests/Fixtures`, such as `llama/gqa`, without a tokenizer.
///
/// These families are not in `ModelRegistry.builtin` yet.
package func referenceLanguageModel(_ name: String) throws -> any TextEncoder & LanguageModel {
    let folder = Fixture.folder.appending(path: name).path(percentEncoded: false)
    let families: [any (TextEncoder & LanguageModel).Type] = [Llama.self, GPT2.self]
    let type = name.prefix { $0 != "/" }
    guard let family = families.first(where: { $0.modelTypes.contains(String(type)) }) else {
        throw MissingFixturePart(name: name, key: "a language model")
    }
    let parameters = CheckpointParameters(
        try Checkpoint(path: folder),
        prefix: family.checkpointPrefix
    )
    return try family.init(
        ConfigurationFile(path: folder + "/config.json"),
        ParameterScope(parameters)
    )
}

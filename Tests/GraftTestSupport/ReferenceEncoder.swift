internal import Foundation
internal import GraftFormats
internal import GraftLayers
package import GraftModels
internal import GraftTraining

/// A model of `Tests/Fixtures`, such as `bert/h16`, without a tokenizer.
package func referenceModel(_ name: String) throws -> any Model {
    let folder = Fixture.folder.appending(path: name).path(percentEncoded: false)
    let file = try ConfigurationFile(path: folder + "/config.json")
    let family = try ModelRegistry.builtin.family(of: file)
    let parameters = CheckpointParameters(
        try Checkpoint(path: folder),
        prefix: family.checkpointPrefix
    )
    return try family.init(
        file,
        ParameterScope(ParametersOnDevice(parameters, device: testDevice))
    )
}

/// Such a model that is one tower, over texts or images.
package func referenceTower(_ name: String) throws -> any Model & Tower {
    guard let tower = try referenceModel(name) as? any Model & Tower else {
        throw MissingFixturePart(name: name, key: "tower")
    }
    return tower
}

/// Such a model that reads text.
package func referenceEncoder(_ name: String = "bert/h16") throws -> any TextEncoder {
    guard let encoder = try referenceModel(name) as? any TextEncoder else {
        throw MissingFixturePart(name: name, key: "encoder")
    }
    return encoder
}

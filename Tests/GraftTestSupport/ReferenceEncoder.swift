internal import Foundation
internal import GraftFormats
internal import GraftLayers
package import GraftModels

/// A model of `Tests/Fixtures/bert`, without a tokenizer.
package func referenceEncoder(_ name: String = "h16") throws -> Bert {
    let folder = Fixture.folder.appending(path: "bert/" + name).path(percentEncoded: false)
    let parameters = CheckpointParameters(
        try Checkpoint(path: folder),
        prefix: Bert.checkpointPrefix
    )
    return try Bert(
        ConfigurationFile(path: folder + "/config.json"),
        ParameterScope(parameters)
    )
}

internal import ArgumentParser
internal import Foundation
internal import GraftFormats
internal import GraftTraining

/// How an adapter is put on a model.
struct AdapterOptions: ParsableArguments {
    @Flag(help: "Use an adapter that was trained on another model of the same shape.")
    var allowBaseMismatch = false

    /// Loads an adapter onto a model.
    ///
    /// - Throws: An error naming the folder if it is no adapter or belongs to another model.
    func predictor(_ path: String, on base: BaseModel) throws -> Predictor {
        guard FileManager.default.fileExists(atPath: path + "/adapter_config.json") else {
            throw CommandError(
                "\(path): no adapter here",
                hint: "name the folder that `graft train --output` wrote"
            )
        }
        return try Predictor(
            base,
            adapter: AdapterBundle(path: path),
            named: path,
            allowsBaseMismatch: allowBaseMismatch
        )
    }
}

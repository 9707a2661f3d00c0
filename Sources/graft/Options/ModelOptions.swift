internal import ArgumentParser
internal import Foundation
internal import GraftTorch
internal import GraftTraining

/// Which frozen model a command works with, and where it computes.
struct ModelOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The frozen model: its folder, or its id in the local Hugging Face cache.",
            valueName: "folder-or-id"
        )
    )
    var model: String

    @Option(help: "Where to compute: cpu, cuda or cuda:N.")
    var device = Device.cpu

    @Option(help: "The element type of the frozen model; on a CPU float32 is by far the fastest.")
    var dtype = Precision.float32

    /// Loads the model.
    func load() throws -> BaseModel {
        try BaseModel(path: ModelOptions.folder(of: model), dtype: dtype.dtype, device: device)
    }

    /// The folder of a model.
    ///
    /// - Throws: ``CommandError`` if there is neither such a folder nor such an id in the cache.
    static func folder(of model: String) throws(CommandError) -> String {
        var isFolder: ObjCBool = false
        if unsafe FileManager.default.fileExists(atPath: model, isDirectory: &isFolder) {
            guard isFolder.boolValue else {
                throw CommandError("\(model): a model is a folder, this is a file")
            }
            return model
        }
        let cache = HubCache()
        guard let snapshot = cache.snapshot(of: model) else {
            throw CommandError(
                "\(model): neither a folder nor a model in \(cache.path)",
                hint: "name the folder that has the model's config.json, or set HF_HOME"
            )
        }
        return snapshot
    }
}

/// The element types to compute in.
enum Precision: String, CaseIterable, ExpressibleByArgument {
    case float32, bfloat16, float16

    var dtype: DType {
        switch self {
        case .float32: .float32
        case .bfloat16: .bfloat16
        case .float16: .float16
        }
    }
}

/// A wish of the user that cannot be granted, said in one line.
struct CommandError: Error, CustomStringConvertible {
    let description: String
    /// The exit status of the command.
    let status: Int32

    /// - Parameters:
    ///   - problem: What is wrong, the thing named first.
    ///   - hint: How to cure it.
    ///   - status: The exit status of the command.
    init(_ problem: String, hint: String? = nil, status: Int32 = 1) {
        self.status = status
        description = problem + (hint.map { " (hint: \($0))" } ?? "")
    }
}

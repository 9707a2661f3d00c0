internal import ArgumentParser
internal import Foundation
internal import GraftAdapters
internal import GraftData
internal import GraftLayers
internal import GraftModels
internal import GraftTraining

/// The command `graft inspect`.
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what a model, adapter, checkpoint or safetensors file is.",
        discussion: """
            Loads what it shows, so that a damaged file is an error:

              graft inspect runs/urgency

            With a method, what it would add to a model, without training:

              graft inspect --model MiniLM --method 'seq_bn[reduction_factor=8]' --labels 3
            """
    )

    @Argument(help: "A model's, adapter's or checkpoint's folder, or a safetensors file.")
    var path: String?

    @Option(
        help: ArgumentHelp(
            "A model: its folder, or its id in the local Hugging Face cache.",
            valueName: "folder-or-id"
        )
    )
    var model: String?

    @Option(help: "The method to try on --model.")
    var method: String?

    @Option(help: "The task of the head that comes with --method.")
    var task = TaskName(kind: .classification)

    @Option(help: ArgumentHelp("The classes, or their number.", valueName: "n|a,b,c"))
    var labels = "2"

    @OptionGroup(title: "Output") var common: CommonOptions

    func validate() throws {
        guard (path == nil) != (model == nil) else {
            throw ValidationError("give either a path or --model")
        }
        guard method == nil || model != nil else {
            throw ValidationError("--method needs --model")
        }
    }

    func run() throws {
        let inspection: Inspection
        if let model {
            let base = try BaseModel(path: ModelOptions.folder(of: model), dtype: nil)
            inspection =
                try method.map { try .method($0, head: head(base), on: base) } ?? .model(base)
        } else {
            inspection = try Inspection(path: path ?? ".")
        }
        if common.json { Console.out(inspection.json) } else { Console.out(inspection.text) }
    }

    private func head(_ base: BaseModel) throws -> HeadConfiguration {
        try task.check(on: base)
        let count = Int(labels) ?? labels.commaSeparated.count
        guard count > 0 else { throw ValidationError("--labels must be at least 1") }
        return try HeadConfiguration(
            task.kind,
            outputCount: task.kind.hasClasses
                ? count : base.outputCount(task.kind, labels: nil),
            pooling: base.shape.defaultPooling
        )
    }
}

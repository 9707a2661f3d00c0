internal import ArgumentParser
internal import GraftData
internal import GraftFormats
internal import GraftModels
internal import GraftTraining

/// The command `graft convert`.
struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Write a model as a Hugging Face folder.",
        discussion: """
            Reads a checkpoint of llama2.c (a file of seven numbers and all weights) with its tokenizer:

              graft convert stories15M.bin --tokenizer tokenizer.bin --output stories15M
              graft generate --model stories15M --text 'Once upon a time'
            """
    )

    @Argument(help: ArgumentHelp("The checkpoint.", valueName: "model.bin"))
    var checkpoint: String

    @Option(help: ArgumentHelp("The file with its vocabulary.", valueName: "tokenizer.bin"))
    var tokenizer: String

    @Option(
        help: ArgumentHelp("The folder to write; it must be new or empty.", valueName: "folder")
    )
    var output: String

    @OptionGroup(title: "Output") var common: CommonOptions

    func run() throws {
        try AtomicFolder.check(output, ifExists: .refuse)
        let interruption = Interruption.discarding()
        defer { withExtendedLifetime(interruption) {} }
        let model = try Llama2CCheckpoint(path: checkpoint)
        let words = try Llama2CTokenizer(path: tokenizer, count: model.header.vocabularySize)
        let base = try AtomicFolder.write(to: output, ifExists: .refuse) { folder in
            try model.write(into: folder)
            try words.write(into: folder)
            // What cannot be read again is not left behind.
            return try BaseModel(path: folder)
        }
        if common.json {
            Console.out(
                .object([
                    .init("output", .string(output)), .init("family", .string(base.shape.family)),
                    .init("parameters", .integer(base.parameterCount)),
                ])
            )
        } else {
            Console.out(
                "\(output): a \(base.shape.family) model of \(Figures.count(base.parameterCount)) parameters"
            )
        }
    }
}

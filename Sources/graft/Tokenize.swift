internal import ArgumentParser
internal import Foundation
internal import GraftData
internal import GraftModels
internal import GraftText
internal import GraftTraining

/// The command `graft tokenize`.
struct Tokenize: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize",
        abstract: "Show the tokens that a model sees.",
        discussion: """
            Prints a JSON object a row, special tokens included:

              graft tokenize --model MiniLM --text 'unaffable'

              {"id": 0, "ids": [101, 14477, 20961, 3468, 102], "tokens": ["[CLS]", "una", ...]}
            """
    )

    @Option(
        help: ArgumentHelp(
            "The model: its folder, or its id in the local Hugging Face cache.",
            valueName: "folder-or-id"
        )
    )
    var model: String

    @Option(name: .customLong("data"), help: ArgumentHelp("The rows.", valueName: "file"))
    var file: String?

    @Option(name: .customLong("text"), help: "A text; may be given several times.")
    var texts: [String] = []

    @Flag(help: "Read rows of words, as for tagging.")
    var words = false

    @Option(help: "The longest row in tokens; longer ones are cut (default: nothing is cut).")
    var maxLength: Int?

    @Option(
        help: ArgumentHelp("Where to write (default: the standard output).", valueName: "file")
    )
    var output: String?

    @OptionGroup(title: "Data") var data: DataOptions
    @OptionGroup(title: "Output") var common: CommonOptions

    func validate() throws {
        try checkCounts(["max-length": maxLength])
        guard (file == nil) != texts.isEmpty else {
            throw ValidationError("give either --data or --text")
        }
    }

    func run() throws {
        let output = try OutputFile.checked(output)
        let tokenizer = try TokenizerFolder(URL(filePath: ModelOptions.folder(of: model)))
            .load()
        let rows =
            try file.map { try data.readTexts($0, split: words) }
            ?? DataOptions.rows(texts, for: words ? .tagging : .classification)
        let options = EncodingOptions(maxLength: maxLength, tracksSource: false)
        let writer = try output.map { try RowWriter(path: $0) } ?? RowWriter()
        for first in stride(from: 0, to: rows.count, by: 4096) {
            let part = rows[first..<min(first + 4096, rows.count)]
            let encodings = tokenizer.encodeBatch(part.map(\.input), options: options)
            for (row, encoding) in zip(part, encodings) {
                let tokens = encoding.ids.map { id in
                    tokenizer.token(of: id).map { JSONValue.string($0) } ?? .null
                }
                try writer.write(
                    .object([
                        .init("id", row.id.json),
                        .init("ids", .array(encoding.ids.map { .integer(Int($0)) })),
                        .init("tokens", .array(tokens)),
                    ])
                )
            }
        }
        try writer.finish()
    }
}

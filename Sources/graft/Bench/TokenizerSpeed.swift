internal import Foundation
internal import GraftData
internal import GraftText
internal import GraftTorch
internal import GraftTraining

/// How fast a tokenizer is, beside reading its texts from memory.
struct TokenizerSpeed {
    /// Tokens per second, on one core and on all.
    private(set) var oneCore = Rounds()
    private(set) var allCores = Rounds()
    /// Bytes read per second from memory that no cache holds, by one core.
    private(set) var memory = Rounds()

    /// What all texts have.
    let tokenCount: Int
    let byteCount: Int
    private let path: String
    private let tokenizer: any Tokenizer
    private let inputs: [TextInput]
    private let block: Tensor

    /// Offsets are not kept, as in training on rows of texts.
    private static let options = EncodingOptions(tracksSource: false)

    /// Reads a tokenizer and texts.
    ///
    /// - Parameters:
    ///   - folder: A folder with a tokenizer; it needs no model.
    ///   - rows: The texts.
    /// - Throws: An error naming the file that is missing or cannot be read.
    init(folder: String, rows: Dataset) throws {
        path = folder
        tokenizer = try TokenizerFolder(URL(filePath: folder)).load()
        inputs = rows.map(\.input)
        byteCount = rows.reduce(0) { $0 + $1.text.utf8.count + ($1.pair?.utf8.count ?? 0) }
        tokenCount = tokenizer.encodeBatch(inputs, options: TokenizerSpeed.options)
            .reduce(0) { $0 + $1.ids.count }
        block = try Tensor(repeating: 1, shape: [MachineCeilings.memoryBytes / 4])
    }

    /// Measures each figure once more, for `seconds` each.
    mutating func measure(seconds: Double) throws {
        let options = TokenizerSpeed.options
        let alone = Workload.secondsEach(seconds) {
            for input in inputs { _ = tokenizer.encode(input, options: options) }
        }
        let together = Workload.secondsEach(seconds) {
            _ = tokenizer.encodeBatch(inputs, options: options)
        }
        let words = MachineCeilings.memoryBytes / 8
        let reading = try Workload.secondsEach(seconds) { _ = try block.foldedWords(0..<words) }
        oneCore.append(Double(tokenCount) / alone)
        allCores.append(Double(tokenCount) / together)
        memory.append(Double(MachineCeilings.memoryBytes) / reading)
    }

    /// Bytes of text per second, on one core.
    private var textSpeed: Rounds {
        oneCore.map { $0 * Double(byteCount) / Double(tokenCount) }
    }

    /// For people.
    func text(source: String, others: OtherLoad.Finding) -> String {
        let facts = Table(rows: [
            ["tokenizer", path],
            ["texts", source],
            [
                "",
                "\(Figures.count(inputs.count)) of \(Figures.count(byteCount)) bytes,"
                    + " \(Figures.count(tokenCount)) tokens",
            ],
            ["machine", others.text],
        ])
        func row(_ name: String, _ rounds: Rounds, scale: Double, _ unit: String) -> [String] {
            [
                name, Figures.measure(rounds.median / scale), Figures.percent(rounds.spread), unit,
            ]
        }
        let table = Table(
            rows: [
                ["speeds", "median", "spread", ""],
                row("one core", oneCore, scale: 1e6, "million tokens/s"),
                row("all cores", allCores, scale: 1e6, "million tokens/s"),
                row("text, one core", textSpeed, scale: 1e6, "MB/s"),
                row("beside memory, reading", memory, scale: 1e6, "MB/s"),
            ],
            rightAligned: [1, 2]
        )
        return facts.text + "\n\n" + table.text
    }

    /// For programs.
    func json(source: String, others: OtherLoad.Finding) -> JSONValue {
        .object([
            .init("tokenizer", .string(path)),
            .init("rows", .string(source)),
            .init("texts", .integer(inputs.count)),
            .init("bytes", .integer(byteCount)),
            .init("tokens", .integer(tokenCount)),
            .init("tokens_per_second_one_core", oneCore.json),
            .init("tokens_per_second", allCores.json),
            .init("text_bytes_per_second_one_core", textSpeed.json),
            .init("memory_bytes_per_second_one_core", memory.json),
            .init("is_quiet", .bool(others.isQuiet)),
        ])
    }
}

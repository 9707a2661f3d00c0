internal import GraftData
internal import GraftText

extension Benchmark {
    /// What happens to rows before a model sees them.
    static let rows = [
        Benchmark(name: "read_rows") {
            let lines = Array(TinyModel.jsonLines(500).utf8)
            return { _ = try TinyModel.dataset(lines) }
        },
        Benchmark(name: "tokenize") {
            let model = try TinyModel()
            let texts = try TinyModel.dataset(Array(TinyModel.jsonLines(500).utf8)).map(\.text)
            let tokenizer = try withExtendedLifetime(model) {
                try TokenizerFolder(model.folder).load()
            }
            let options = EncodingOptions(maxLength: 40, tracksSource: false)
            return {
                for text in texts { _ = tokenizer.encode(.text(text), options: options) }
            }
        },
    ]
}

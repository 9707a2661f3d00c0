internal import GraftAdapters
internal import GraftData
internal import GraftLayers
internal import GraftModels
internal import GraftTraining

extension Benchmark {
    /// Whole passes through a model so small that what is counted is mostly what stands around the
    /// products: allocation, recording, calls.
    static let passes = [
        Benchmark(name: "load_model") {
            let model = try TinyModel()
            return { try withExtendedLifetime(model) { _ = try BaseModel(path: model.path) } }
        },
        Benchmark(name: "training_steps") {
            let (trainer, rows) = try task("double_seq_bn[reduction_factor=4]")
            return { _ = try trainer.run(on: rows, evaluation: nil) }
        },
        Benchmark(name: "evaluation") {
            let (trainer, rows) = try task("double_seq_bn[reduction_factor=4]")
            return { _ = try trainer.model.predictions(rows, workers: Workers(1)) }
        },
    ]

    /// A method on 32 rows in steps of 8, on one thread.
    private static func task(_ method: String) throws -> (Trainer, EncodedRows) {
        let model = try TinyModel()
        let base = try withExtendedLifetime(model) { try BaseModel(path: model.path) }
        let data = try TinyModel.dataset(Array(TinyModel.jsonLines(32).utf8))
        let labels = try LabelMap(of: data)
        let rows = try EncodedRows(
            data,
            tokenizer: base.tokenizer,
            maxLength: 32,
            kind: .classification,
            labels: labels
        )
        var options = TrainingOptions()
        (options.epochs, options.batchSize, options.workers) = (1, 8, 1)
        let trainer = try Trainer(
            base,
            method: AdapterRegistry.builtin.method(named: method),
            head: HeadConfiguration(.classification, outputCount: labels.count),
            labels: labels.names,
            options: options
        )
        return (trainer, rows)
    }
}

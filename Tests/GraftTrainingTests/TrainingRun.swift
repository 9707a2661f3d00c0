import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining

/// A short run on a tiny model: 24 rows in batches of 8, three steps an epoch.
struct TrainingRun {
    var task = TinyTask.classification
    var method = "double_seq_bn[reduction_factor=4]"
    var classWeights: [Float]?
    var options: TrainingOptions

    init(_ change: (inout TrainingOptions) -> Void = { _ in }) {
        options = TrainingOptions()
        (options.epochs, options.batchSize, options.workers) = (4, 8, 1)
        options.learningRate = 1e-2
        options.seed = 5
        change(&options)
    }

    func trainer(_ base: BaseModel) throws -> Trainer {
        try Trainer(
            base,
            method: AdapterRegistry.builtin.method(named: method),
            head: task.head,
            labels: task.labels,
            classWeights: classWeights,
            options: options
        )
    }

    /// Trains to the end, on the rows that it evaluates.
    func callAsFunction(_ base: BaseModel) throws -> Trainer.Outcome {
        let rows = try task.rows(base.tokenizer)
        return try trainer(base).run(on: rows, evaluation: rows)
    }
}

/// A model that drops activations, so that training is random.
func droppingModel() throws -> TinyModel {
    try TinyModel(settings: ["hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1])
}

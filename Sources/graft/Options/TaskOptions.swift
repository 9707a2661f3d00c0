internal import ArgumentParser
internal import GraftData
internal import GraftModels

/// What is learned.
struct TaskOptions: ParsableArguments {
    @Option(
        name: .customLong("task"),
        help: "What to predict; image-classification is classification of pictures."
    )
    var name = TaskName(kind: .classification)

    @Option(
        help: ArgumentHelp(
            "The classes in the order of their numbers (default: those of the training file).",
            valueName: "a,b,c"
        )
    )
    var labels: String?

    @Option(help: "Linear layers of the head (default: 2; for tagging and question-answering, 1).")
    var headLayers: Int?

    @Option(help: "What the head reads of a row (default: first; of causal models, last).")
    var headPooling: Pooling?

    /// What the head predicts.
    var task: HeadKind { name.kind }

    /// The classes of the task, or `nil` where there are none.
    func labelMap(of train: Dataset) throws -> LabelMap? {
        guard task.hasClasses else {
            guard labels == nil else { throw ValidationError("\(name) has no --labels") }
            return nil
        }
        guard let labels else { return try LabelMap(of: train) }
        return try LabelMap(names: labels.commaSeparated)
    }

    /// The head for a number of outputs, on a model.
    func head(outputs: Int, on model: ModelShape) throws -> HeadConfiguration {
        guard task.hasLayers || (headLayers == nil && headPooling == nil) else {
            throw ValidationError(
                "\(name) has no head of its own: neither --head-layers nor --head-pooling"
            )
        }
        var head = HeadConfiguration(
            task,
            outputCount: outputs,
            pooling: headPooling ?? model.defaultPooling
        )
        try checkCounts(["head-layers": headLayers])
        if let headLayers { head.layers = headLayers }
        return head
    }
}

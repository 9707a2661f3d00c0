internal import GraftAdapters
public import GraftData
public import GraftFormats
internal import GraftModels

extension BaseModel {
    /// Trains an adapter with a head for the task that the rows' answers imply, from settings that suit most tasks.
    ///
    /// ```swift
    /// let adapter = try base.train("double_seq_bn[reduction_factor=8]", on: rows)
    /// try adapter.write(to: "adapters/urgency")
    /// ```
    ///
    /// For progress, checkpoints or another head, use ``Trainer``, as this does.
    ///
    /// - Parameters:
    ///   - expression: A method with its settings, as on the command line.
    ///   - data: Rows with answers.
    ///   - evaluation: Rows that choose the best epoch; without them the last one is kept.
    ///   - maxLength: The most tokens of a row; longer ones are cut.
    ///   - options: The settings; by default those of ``TrainingOptions`` with the method's learning rate.
    /// - Returns: The trained adapter.
    /// - Throws: A one-line error about the method, the data or the run.
    public func train(
        _ expression: String,
        on data: Dataset,
        evaluation: Dataset? = nil,
        maxLength: Int = 128,
        options: TrainingOptions? = nil
    ) throws -> AdapterBundle {
        let method = try AdapterRegistry.builtin.method(named: expression)
        let kind = try HeadKind(answering: data.schema)
        let labels = kind == .regression ? nil : try LabelMap(of: data)
        let names = labels?.names ?? []
        let head = HeadConfiguration(kind, outputCount: labels?.count ?? 1)
        func encoded(_ data: Dataset) throws -> EncodedRows {
            try EncodedRows(
                data,
                tokenizer: tokenizer,
                maxLength: maxLength,
                kind: kind,
                labels: labels
            )
        }
        var defaults = TrainingOptions()
        defaults.learningRate = method.defaultLearningRate
        let trainer = try Trainer(
            self,
            method: method,
            head: head,
            labels: names,
            options: options ?? defaults
        )
        let outcome = try trainer.run(on: encoded(data), evaluation: evaluation.map(encoded))
        var bundle = AdapterBundle(
            method: method,
            methodName: expression,
            head: head,
            labels: names,
            maxLength: maxLength,
            readsPairs: data.hasPairs,
            base: try identity(),
            provenance: ["data": data.path, "seed": String(trainer.options.seed)],
            tensors: outcome.tensors
        )
        bundle.columnNames = data.schema.columns
        return bundle
    }
}

extension HeadKind {
    /// The kind of head that gives the answers of a schema.
    init(answering schema: RowSchema) throws {
        switch schema.target {
        case .category: self = .classification
        case .categories: self = .multiLabel
        case .number: self = .regression
        case .tags: self = .tagging
        case .text:
            throw TrainingError.settings("no head writes text yet (hint: target: .category)")
        case nil: throw TrainingError.settings("the rows have no answers (hint: give a target)")
        }
    }
}

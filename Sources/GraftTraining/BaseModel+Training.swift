internal import GraftAdapters
public import GraftData
public import GraftFormats
public import GraftModels
public import GraftVision

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
        try train(
            expression,
            on: .texts(data),
            evaluation: evaluation.map { .texts($0) },
            maxLength: maxLength,
            options: options
        )
    }

    /// Trains an adapter with a head on pictures, as on texts; those that cannot be read are an error.
    ///
    /// ```swift
    /// let pictures = try ImageDataset(contentsOf: "flowers/train", schema: RowSchema(.picture, target: .category))
    /// let adapter = try base.train("seq_bn", on: pictures)
    /// ```
    ///
    /// - Parameters:
    ///   - expression: A method with its settings, as on the command line.
    ///   - data: Pictures with answers.
    ///   - evaluation: Pictures that choose the best epoch; without them the last one is kept.
    ///   - options: The settings; by default those of ``TrainingOptions`` with the method's learning rate.
    /// - Returns: The trained adapter.
    /// - Throws: A one-line error about the method, the data or the run.
    public func train(
        _ expression: String,
        on data: ImageDataset,
        evaluation: ImageDataset? = nil,
        options: TrainingOptions? = nil
    ) throws -> AdapterBundle {
        func rows(_ data: ImageDataset) throws -> TaskRows {
            let images = try prepared(data)
            let hasTexts = data.rows.schema.target == .texts
            return hasTexts ? .pairs(try ImageTextPairs(images)) : .pictures(images)
        }
        return try train(
            expression,
            on: rows(data),
            evaluation: evaluation.map(rows),
            maxLength: shape.positions,
            options: options
        )
    }

    /// What the model does as it is, without a head that training adds; `nil` for encoders.
    public var ownTask: HeadKind? {
        switch model {
        case is any ImageTextModel: .imageText
        case is any EncoderDecoder: .seq2seq
        case is any LanguageModel: .causalLM
        default: nil
        }
    }

    /// The outputs of a head.
    ///
    /// - Parameters:
    ///   - kind: What is predicted.
    ///   - labels: The classes, where there are any.
    /// - Returns: How many there are.
    /// - Throws: ``TrainingError`` for pairs of images and texts where the model does not read them.
    public func outputCount(_ kind: HeadKind, labels: LabelMap?) throws(TrainingError) -> Int {
        if kind.writesText { return shape.vocabularySize }
        guard kind == .imageText else { return labels?.count ?? kind.outputCount ?? 1 }
        return 2 * (try imageTextModel.embeddingSize)
    }

    private func train(
        _ expression: String,
        on rows: TaskRows,
        evaluation: TaskRows?,
        maxLength: Int,
        options: TrainingOptions?
    ) throws -> AdapterBundle {
        let data = rows.answers
        let method = try AdapterRegistry.builtin.method(named: expression)
        let kind = try rows.kind
        let labels = kind.hasClasses ? try LabelMap(of: data) : nil
        let names = labels?.names ?? []
        let head = HeadConfiguration(
            kind,
            outputCount: try outputCount(kind, labels: labels),
            pooling: shape.defaultPooling
        )
        let reading = ReadingOptions().suiting(data)
        func encoded(_ rows: TaskRows) throws -> EncodedRows {
            try self.encoded(
                rows,
                maxLength: maxLength,
                reading: reading,
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
        let outcome = try trainer.run(on: encoded(rows), evaluation: evaluation.map(encoded))
        var bundle = AdapterBundle(
            method: method,
            methodName: expression,
            head: head,
            labels: names,
            maxLength: maxLength,
            reading: reading,
            readsPairs: data.hasPairs,
            base: try identity().remembered(
                withMessages: data.contains { $0.messages != nil }
            ),
            provenance: ["data": data.path, "seed": String(trainer.options.seed)],
            tensors: outcome.tensors
        )
        bundle.columnNames = data.schema.columns
        bundle.acceptsLabelNumbers = labels?.acceptsNumbers ?? true
        return bundle
    }
}

extension TaskRows {
    /// The kind of head that gives the rows' answers.
    fileprivate var kind: HeadKind {
        get throws {
            if case .pairs = self { return .imageText }
            return try HeadKind(answering: answers.schema)
        }
    }
}

extension HeadKind {
    /// The kind of head that gives the answers of a schema.
    init(answering schema: RowSchema) throws {
        guard schema.input != .writing else {
            self = schema.target == .texts ? .seq2seq : .causalLM
            return
        }
        switch schema.target {
        case .category: self = .classification
        case .categories: self = .multiLabel
        case .number: self = .regression
        case .tags: self = .tagging
        case .spans: self = .questionAnswering
        case .choice: self = .multipleChoice
        case .text, .texts:
            throw TrainingError.settings(
                "no head answers with texts (hint: RowSchema(.writing, target: .text), or .texts for"
                    + " models that answer a text with another)"
            )
        case nil: throw TrainingError.settings("the rows have no answers (hint: give a target)")
        }
    }
}

internal import Foundation
internal import GraftAdapters
public import GraftData
public import GraftFormats
internal import GraftLayers
internal import GraftModels
internal import GraftText
internal import GraftTorch
public import GraftVision

/// Applies a trained adapter to new rows.
///
/// ```swift
/// let base = try BaseModel(path: "MiniLM")
/// let predictor = try Predictor(base, adapter: AdapterBundle(path: "adapters/urgency"))
/// let answers = try predictor(["The site is down and customers are leaving!"])
/// ```
public struct Predictor: Sendable {
    /// An answer about one row.
    public struct Answer: Sendable {
        /// What the head's outputs are, unscaled; for tagging one list for each word, empty where it was not read; none where
        /// the model writes text.
        public let logits: [[Float]]
        /// The label of the row, or of each word, empty for one that was cut off or has no token; any number for multi-label; the
        /// text of an answer; the number of a choice; empty where there are none.
        public let labels: [String]
        /// The probability of each label; for regression the predicted number under `value`; where the model writes text
        /// the logarithm of the probability that it writes the row's, its completion or its target, under `log_probability`.
        public let scores: [(label: String, score: Double)]
        /// Where in a question's context the answer stands, in characters (Unicode scalars); `nil` if there is none.
        public var span: Range<Int>?
    }

    /// The adapter.
    public let bundle: AdapterBundle
    /// The model with it.
    public let model: AdaptedModel
    private let base: BaseModel

    /// Attaches an adapter.
    ///
    /// - Parameters:
    ///   - base: The frozen model.
    ///   - bundle: The adapter with its head.
    ///   - name: What errors call the adapter.
    ///   - allowsBaseMismatch: Whether an adapter of another model of the same shape may run.
    /// - Throws: ``TrainingError/wrongBase(adapter:reason:hasSameShape:)``, or an error naming the tensor that
    ///   does not fit.
    public init(
        _ base: BaseModel,
        adapter bundle: AdapterBundle,
        named name: String = "adapter",
        allowsBaseMismatch: Bool = false
    ) throws {
        if !allowsBaseMismatch {
            let identity = try base.identity()
            if let reason = bundle.base.mismatch(with: identity) {
                throw TrainingError.wrongBase(
                    adapter: name,
                    reason: reason,
                    hasSameShape: bundle.base.isShaped(like: identity)
                )
            }
        }
        let tensors = try bundle.tensors.mapValues { try $0.moved(to: base.device) }
        let stored = StoredParameters(tensors)
        do {
            model = try AdaptedModel(
                base,
                method: bundle.method,
                head: bundle.head,
                ParameterScope(stored)
            )
            try stored.checkAllUsed()
        } catch let error as ParameterError {
            throw TrainingError.wrongTensors(adapter: name, reason: "\(error)")
        }
        self.bundle = bundle
        self.base = base
    }

    /// Takes a model as it is, if what it does needs no adapter: text and image models pair them, others write.
    ///
    /// - Parameters:
    ///   - base: The frozen model.
    ///   - maxLength: The longest row in tokens.
    /// - Throws: ``TrainingError`` for a model without a head of its own.
    public init(frozen base: BaseModel, maxLength: Int) throws {
        let family = base.shape.family
        guard let kind = base.ownTask else {
            throw TrainingError.settings(
                "a \(family) model answers nothing without an adapter's head (hint: give an adapter)"
            )
        }
        let bundle = AdapterBundle(
            method: try AdapterRegistry.builtin.method(named: HeadOnly.identifier),
            methodName: HeadOnly.identifier,
            head: HeadConfiguration(kind, outputCount: try base.outputCount(kind, labels: nil)),
            labels: [],
            maxLength: maxLength,
            readsPairs: kind == .imageText,
            base: try base.identity(),
            provenance: [:],
            tensors: [:]
        )
        // The identity is the model's own.
        try self.init(base, adapter: bundle, allowsBaseMismatch: true)
    }

    /// Encodes rows as the adapter was trained to read them.
    ///
    /// - Parameters:
    ///   - rows: Texts, or pictures that ``BaseModel/prepared(_:skippingBroken:)`` prepared.
    ///   - labelled: Whether to read labels too.
    /// - Returns: The rows with their labels, if they are wanted.
    /// - Throws: `DataError` if a row has an unknown label; ``TrainingError`` if the adapter does not read such rows.
    public func encode(_ rows: TaskRows, labelled: Bool) throws -> EncodedRows {
        if case .texts(let data) = rows, data.hasPairs != bundle.readsPairs {
            throw TrainingError.pairs(path: data.path, adapterReadsPairs: bundle.readsPairs)
        }
        return try base.encoded(
            rows,
            maxLength: bundle.maxLength,
            reading: bundle.reading,
            kind: bundle.head.kind,
            labels: labelled && !bundle.labels.isEmpty
                ? LabelMap(names: bundle.labels, acceptsNumbers: bundle.acceptsLabelNumbers) : nil
        )
    }

    /// Encodes texts as the adapter was trained to read them.
    public func encode(_ data: Dataset, labelled: Bool) throws -> EncodedRows {
        try encode(.texts(data), labelled: labelled)
    }

    /// Prepares pictures as the model reads them; those that cannot be read are an error.
    public func encode(_ data: ImageDataset, labelled: Bool) throws -> EncodedRows {
        try encode(.pictures(base.prepared(data)), labelled: labelled)
    }

    /// Answers for every row.
    public func answers(_ data: EncodedRows, workers: Workers = Workers()) throws -> [Answer] {
        answers(try model.predictions(data, workers: workers), of: data)
    }

    /// What predictions of rows mean.
    func answers(_ predictions: Predictions, of data: EncodedRows) -> [Answer] {
        if let windows = data.windows {
            return windows.answers(predictions.logits).map { Answer(span: $0) }
        }
        return (0..<data.count).map { answer(predictions.logits[$0], row: $0, in: data) }
    }

    /// Answers for texts; for tagging, their words are what white space separates.
    public func callAsFunction(_ texts: [String]) throws -> [Answer] {
        let isTagging = bundle.head.kind == .tagging
        let lines = texts.map { text in
            let words = JSONValue.array(
                text.split(whereSeparator: \.isWhitespace).map { .string(String($0)) }
            )
            return JSONValue.object([
                isTagging ? .init("tokens", words) : .init("text", .string(text))
            ]).description
        }
        let data = try Dataset(
            parsing: Array(lines.joined(separator: "\n").utf8),
            named: "texts",
            schema: RowSchema(isTagging ? .words : .text, target: nil),
            format: .jsonLines
        )
        return try answers(encode(data, labelled: false))
    }

    private func answer(_ logits: [Float], row: Int, in data: EncodedRows) -> Answer {
        let labels = bundle.labels
        switch bundle.head.kind {
        case .classification:
            return Answer(logits: logits, classes: labels)
        case .multiLabel:
            return Answer(
                logits: [logits],
                labels: logits.positiveIndices.map { labels[$0] },
                scores: zip(labels, logits).map { ($0, 1 / (1 + exp(-Double($1)))) }
            )
        case .causalLM, .seq2seq:
            return Answer(
                logits: [],
                labels: [],
                scores: logits.map { ("log_probability", -Double($0)) }
            )
        case .regression:
            return Answer(
                logits: [logits],
                labels: [],
                scores: logits.map { ("value", Double($0)) }
            )
        case .imageText, .questionAnswering:
            return Answer(logits: [logits], labels: [], scores: [])
        case .multipleChoice:
            return Answer(logits: logits, classes: logits.indices.map(String.init))
        case .tagging:
            let width = labels.count
            let words = data.taggedWords(row, logits, outputs: width)
            return Answer(
                logits: words.map { word in
                    word.map { Array(logits[$0.start..<$0.start + width]) } ?? []
                },
                labels: words.map { word in word.map { labels[$0.predicted] } ?? "" },
                scores: []
            )
        }
    }
}

extension Predictor.Answer {
    /// An answer that is one of some classes.
    init(logits: [Float], classes: [String]) {
        self.init(
            logits: [logits],
            labels: [classes[logits.largestIndex]],
            scores: zip(classes, logits.probabilities).map { ($0, $1) }
        )
    }
}

extension Predictor.Answer {
    /// An answer that stands in a context.
    fileprivate init(span answer: ContextWindows.Answer) {
        self.init(
            logits: [],
            labels: [answer.text],
            scores: [("score", answer.probability)],
            span: answer.characters
        )
    }
}

extension [Float] {
    /// The softmax of these logits.
    var probabilities: [Double] {
        let largest = Double(self.max() ?? 0)
        let exponentials = map { exp(Double($0) - largest) }
        let sum = exponentials.reduce(0, +)
        return exponentials.map { $0 / sum }
    }
}

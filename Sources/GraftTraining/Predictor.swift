internal import Foundation
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
        /// What the head's outputs are, unscaled; for tagging one list for each word.
        public let logits: [[Float]]
        /// The label of the row, or of each word; empty for regression; any number for multi-label.
        public let labels: [String]
        /// The probability of each label; for regression the predicted number under `value`.
        public let scores: [(label: String, score: Double)]
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
    /// - Throws: ``TrainingError/wrongBase(adapter:reason:)``, or an error naming the tensor that
    ///   does not fit.
    public init(
        _ base: BaseModel,
        adapter bundle: AdapterBundle,
        named name: String = "adapter",
        allowsBaseMismatch: Bool = false
    ) throws {
        if !allowsBaseMismatch, let reason = bundle.base.mismatch(with: try base.identity()) {
            throw TrainingError.wrongBase(adapter: name, reason: reason)
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

    /// Encodes rows as the adapter was trained to read them.
    public func encode(_ data: Dataset, labelled: Bool) throws -> EncodedRows {
        guard data.hasPairs == bundle.readsPairs else {
            throw TrainingError.pairs(path: data.path, adapterReadsPairs: bundle.readsPairs)
        }
        return try EncodedRows(
            data,
            tokenizer: base.tokenizer,
            maxLength: bundle.maxLength,
            kind: bundle.head.kind,
            labels: labels(labelled)
        )
    }

    /// Prepares pictures as the model reads them; those that cannot be read are an error.
    public func encode(_ data: ImageDataset, labelled: Bool) throws -> EncodedRows {
        try encode(base.prepared(data), labelled: labelled)
    }

    /// Takes pictures that ``BaseModel/prepared(_:skippingBroken:)`` prepared.
    public func encode(_ images: PreparedImages, labelled: Bool) throws -> EncodedRows {
        try EncodedRows(
            images,
            encoder: base.imageTower,
            kind: bundle.head.kind,
            labels: labels(labelled)
        )
    }

    /// The adapter's classes, if labels are to be read and it has any.
    private func labels(_ isWanted: Bool) throws -> LabelMap? {
        isWanted && !bundle.labels.isEmpty ? try LabelMap(names: bundle.labels) : nil
    }

    /// Answers for every row.
    public func answers(_ data: EncodedRows, workers: Workers = Workers()) throws -> [Answer] {
        let predictions = try model.predictions(data, workers: workers)
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
            return Answer(
                logits: [logits],
                labels: [labels[logits.largestIndex]],
                scores: zip(labels, logits.probabilities).map { ($0, $1) }
            )
        case .multiLabel:
            return Answer(
                logits: [logits],
                labels: logits.positiveIndices.map { labels[$0] },
                scores: zip(labels, logits).map { ($0, 1 / (1 + exp(-Double($1)))) }
            )
        case .regression:
            return Answer(
                logits: [logits],
                labels: [],
                scores: logits.map { ("value", Double($0)) }
            )
        case .tagging:
            let width = labels.count
            let words = data.taggedWords(row, logits, outputs: width)
            return Answer(
                logits: words.map { Array(logits[$0.start..<$0.start + width]) },
                labels: words.map { labels[$0.predicted] },
                scores: []
            )
        }
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

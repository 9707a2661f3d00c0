public import GraftData
internal import GraftModels
public import GraftTorch

/// Says which of some classes an image shows, by the names of the classes alone.
///
/// A class is placed where the prompts about it are on the mean: each is scaled to length 1, and so is their mean.
/// An image's logits are its cosines with the classes, times the model's scale.
///
/// ```swift
/// let clip = try BaseModel(path: "clip-vit-base-patch32")
/// let classifier = try ZeroShotClassifier(ImageTextEncoder(clip), classes: ["daisy", "tulip"])
/// ```
///
/// Reference: Radford et al., [Learning Transferable Visual Models](https://arxiv.org/abs/2103.00020), section 3.1.4.
public struct ZeroShotClassifier: Sendable {
    /// The classes.
    public let classes: LabelMap
    /// Where the classes are: float32 [classes, `embeddingSize`], each of length 1.
    public let weights: Tensor
    /// What places images.
    public let encoder: ImageTextEncoder

    /// Places the classes.
    ///
    /// - Parameters:
    ///   - encoder: A model, perhaps with an adapter.
    ///   - classes: The names of the classes.
    ///   - templates: What is said about them.
    /// - Throws: `DataError` if there is no class, or one twice; `TorchError` if memory runs out.
    public init(
        _ encoder: ImageTextEncoder,
        classes: [String],
        templates: PromptTemplates = .photo
    ) throws {
        self.classes = try LabelMap(names: classes)
        self.encoder = encoder
        let prompts = classes.flatMap { templates.prompts(for: $0) }
        let places = try encoder.texts(prompts).unitRows()
        weights = try places.reshaped(classes.count, templates.sentences.count, places.size(1))
            .mean(along: 1).unitRows()
    }

    /// Scores images.
    ///
    /// - Parameters:
    ///   - rows: Images.
    ///   - workers: How many parts are computed at once.
    /// - Returns: float32 [rows, classes]
    /// - Throws: `TorchError` if memory runs out.
    public func logits(_ rows: EncodedRows, workers: Workers = Workers()) throws -> Tensor {
        let images = try encoder.images(rows, workers: workers)
        return try ZeroShot().logits(images, classes: NamedClasses(self))
    }

    /// Answers for images, as a classifier with a head would.
    public func answers(
        _ rows: EncodedRows,
        workers: Workers = Workers()
    ) throws -> [Predictor.Answer] {
        try Predictions(logits: rowsOfLogits(rows, workers), loss: nil).logits.map {
            Predictor.Answer(logits: $0, classes: classes.names)
        }
    }

    /// Scores the answers for images with labels.
    ///
    /// - Parameters:
    ///   - rows: Images with a class each.
    ///   - workers: How many parts are computed at once.
    /// - Returns: Every metric of classification, the loss included.
    /// - Throws: ``MetricsError`` if the rows have no classes.
    public func metrics(_ rows: EncodedRows, workers: Workers = Workers()) throws -> Metrics {
        let logits = try rowsOfLogits(rows, workers)
        let loss = TaskLoss(.classification)
        let total = try loss.sum(Tensor(rows: logits), of: 0..<rows.count, in: rows).item()
        let predictions = try Predictions(logits: logits, loss: total / Double(rows.count))
        return try HeadKind.classification.metrics(predictions, of: rows, labels: classes.names)
    }

    private func rowsOfLogits(_ rows: EncodedRows, _ workers: Workers) throws -> [[Float]] {
        let values: [Float] = try logits(rows, workers: workers).values()
        return (0..<rows.count).map { row in
            Array(values[row * classes.count..<(row + 1) * classes.count])
        }
    }
}

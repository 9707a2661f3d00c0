public import GraftData
public import GraftFormats
public import GraftModels
public import GraftVision

/// Rows as files hold them, whatever a model reads of them.
public enum TaskRows: Sendable {
    /// Texts, pairs of texts, or words.
    case texts(Dataset)
    /// Pictures, prepared for a model.
    case pictures(PreparedImages)
    /// Pairs of a picture and a text.
    case pairs(ImageTextPairs)

    /// What the rows are called and their right answers; of texts, the texts too, and of pairs the second text.
    public var answers: Dataset {
        switch self {
        case .texts(let rows): rows
        case .pictures(let images): images.rows
        case .pairs(let pairs): pairs.pairs
        }
    }

    /// Pictures that were left out because they cannot be read.
    public var broken: [BrokenImage] {
        switch self {
        case .texts: []
        case .pictures(let images): images.broken
        case .pairs(let pairs): pairs.images.broken
        }
    }
}

extension BaseModel {
    /// Turns rows into what the model reads.
    ///
    /// - Parameters:
    ///   - rows: Texts, or pictures that ``prepared(_:skippingBroken:)`` prepared.
    ///   - maxLength: The most tokens of a text; longer ones are cut as the tokenizer does.
    ///   - reading: How else texts are cut.
    ///   - kind: What is predicted.
    ///   - labels: The classes, or `nil` to read no targets.
    /// - Returns: The rows with their targets.
    /// - Throws: `DataError` if a row has an unknown label; ``TrainingError`` if the model does not read such rows.
    public func encoded(
        _ rows: TaskRows,
        maxLength: Int,
        reading: ReadingOptions = ReadingOptions(),
        kind: HeadKind,
        labels: LabelMap?
    ) throws -> EncodedRows {
        switch rows {
        case .texts(let data):
            return try encoded(
                data,
                for: kind,
                maxLength: maxLength,
                reading: reading,
                labels: labels
            )
        case .pictures(let images):
            guard !kind.isOfTexts else {
                throw TrainingError.settings(
                    "\(kind.rawValue) is of texts, and these rows are pictures"
                )
            }
            return try EncodedRows(images, encoder: imageTower, kind: kind, labels: labels)
        case .pairs(let pairs):
            return try EncodedRows(
                pairs,
                tokenizer: tokenizer,
                maxLength: maxLength,
                encoder: imageTextModel.imageTower
            )
        }
    }
}

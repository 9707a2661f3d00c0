internal import ArgumentParser
internal import GraftData
internal import GraftModels
internal import GraftTraining
internal import GraftVision

/// How rows of texts or pictures are read: a model reads the one or the other.
struct RowOptions: ParsableArguments {
    @OptionGroup var columns: DataOptions

    @Flag(help: "Leave out pictures that cannot be read; otherwise they are an error.")
    var skipBroken = false

    /// Reads a file of texts, or a folder or file of pictures, for a task.
    ///
    /// - Parameters:
    ///   - path: Where the rows are.
    ///   - kind: What is predicted of a row, which tells how labels are written.
    ///   - base: The model, which tells whether rows are texts or pictures.
    ///   - labelled: Whether to read labels too.
    ///   - limit: The most rows to read.
    ///   - remembered: The columns that an adapter was trained on.
    /// - Returns: The rows; pictures are decoded and prepared.
    /// - Throws: `DataError` naming the file, the line and the column; `BrokenImagesError` naming pictures;
    ///   ``CommandError`` if the model does not read such rows.
    func read(
        _ path: String,
        for kind: HeadKind,
        on base: BaseModel,
        labelled: Bool,
        limit: Int? = nil,
        remembered: ColumnNames = ColumnNames()
    ) throws -> TaskRows {
        guard base.readsImages else {
            guard !ImageDataset.isNamed(by: path) else {
                throw CommandError(
                    "\(path): pictures, but a \(base.shape.family) model reads texts",
                    hint: "name a file of rows; ViT, DeiT and CLIP models read pictures"
                )
            }
            return .texts(
                try columns.read(
                    path,
                    for: kind,
                    labelled: labelled,
                    limit: limit,
                    remembered: remembered
                )
            )
        }
        let data = try ImageDataset(
            contentsOf: path,
            schema: columns.schema(
                .picture,
                for: kind,
                // What is asked of a pair is no label beside it, but the pair itself.
                labelled: labelled || kind == .imageText,
                remembered: remembered
            ),
            format: columns.format,
            limit: limit
        )
        let images = try base.prepared(data, skippingBroken: skipBroken)
        return kind == .imageText ? .pairs(try ImageTextPairs(images)) : .pictures(images)
    }

    /// Makes rows of texts or pictures given as arguments.
    ///
    /// - Parameters:
    ///   - texts: Texts.
    ///   - pairs: The second text of each, or none.
    ///   - pictures: Paths of pictures.
    ///   - kind: What is predicted of them.
    ///   - base: The model, which reads the one or the other.
    /// - Returns: The rows.
    /// - Throws: `BrokenImagesError` naming pictures; ``CommandError`` if the model does not read such rows.
    func rows(
        texts: [String],
        pairs: [String],
        pictures: [String],
        for kind: HeadKind,
        on base: BaseModel
    ) throws -> TaskRows {
        let family = base.shape.family
        guard base.readsImages else {
            guard pictures.isEmpty else {
                throw CommandError("--image: a \(family) model reads texts", hint: "--text")
            }
            return .texts(
                try DataOptions.rows(texts, for: kind, pairedWith: pairs.isEmpty ? nil : pairs)
            )
        }
        guard texts.isEmpty else {
            throw CommandError("--text: a \(family) model reads pictures", hint: "--image")
        }
        let data = try ImageDataset(files: pictures, named: "--image")
        return .pictures(try base.prepared(data, skippingBroken: skipBroken))
    }
}

extension TaskRows {
    /// What the user should know about pictures that were left out, in a line.
    var warning: String? {
        guard let first = broken.first else { return nil }
        let rest = broken.count > 1 ? " and \(Figures.count(broken.count - 1)) more" : ""
        return "\(answers.path): left out \(first)\(rest)"
    }
}

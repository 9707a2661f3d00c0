public import GraftModels
public import GraftVision

extension BaseModel {
    /// Whether the model reads pictures.
    public var readsImages: Bool { imageProcessor != nil }

    /// The tower that reads pictures.
    ///
    /// - Throws: ``TrainingError`` for models that read none.
    public var imageTower: any ImageTower {
        get throws(TrainingError) {
            guard let encoder = encoder as? any ImageTower else { throw readsNoImages }
            return encoder
        }
    }

    /// The model, if it places images and texts in one space.
    ///
    /// - Throws: ``TrainingError`` for all others.
    public var imageTextModel: any ImageTextModel {
        get throws(TrainingError) {
            if let model = model as? any ImageTextModel { return model }
            throw .settings(
                "\(path): a \(shape.family) model does not place images and texts in one space"
                    + " (hint: a CLIP model does)"
            )
        }
    }

    /// Prepares the pictures of a data set as the model reads them, on all cores.
    ///
    /// - Parameters:
    ///   - data: The pictures.
    ///   - skippingBroken: Whether pictures that cannot be read are left out; otherwise they are an error.
    /// - Returns: The pictures, as bytes.
    /// - Throws: `BrokenImagesError` naming the pictures; ``TrainingError`` for models that read none.
    public func prepared(
        _ data: ImageDataset,
        skippingBroken: Bool = false
    ) throws -> PreparedImages {
        guard let imageProcessor else { throw readsNoImages }
        return try PreparedImages(data, imageProcessor, skippingBroken: skippingBroken)
    }

    private var readsNoImages: TrainingError {
        .settings("\(path): a \(shape.family) model reads no images")
    }
}

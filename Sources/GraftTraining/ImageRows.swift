internal import GraftFormats
internal import GraftLayers
internal import GraftModels
internal import GraftTorch
internal import GraftVision

/// Prepared images: 3 bytes a pixel until a batch is made of them.
struct ImageRows: RowInputs {
    private let images: PreparedImages
    private let tokensPerImage: Int
    /// What views of images a batch holds, and what they depend on besides the row; `nil` for whole images.
    private var views: (of: Augmentation, seed: UInt64)?

    /// Takes images that a model reads.
    ///
    /// - Throws: `ImageError` if they are not as large as the model reads them.
    init(_ images: PreparedImages, for encoder: any ImageTower) throws(ImageError) {
        let side = encoder.imageSize
        guard (images.width, images.height) == (side, side) else {
            throw .unfit(
                width: images.width,
                height: images.height,
                wanted: "\(side) x \(side) (hint: is preprocessor_config.json of this model?)"
            )
        }
        self.images = images
        tokensPerImage = encoder.tokensPerImage
    }

    var count: Int { images.count }

    func length(_ row: Int) -> Int { tokensPerImage }

    // A picture is never cut.
    func limitedLength(_ row: Int) -> Int { 0 }

    func batch(_ rows: [Int], device: Device) throws(TorchError) -> any RaggedBatch {
        try imageBatch(rows, keys: rows, device: device)
    }

    /// Gathers images, which are called by `keys` in the batch.
    func imageBatch(
        _ rows: [Int],
        keys: [Int],
        device: Device
    ) throws(TorchError) -> ImageBatch {
        let size = 3 * images.width * images.height
        var pixels = [Float](repeating: 0, count: size * rows.count)
        var target = pixels.mutableSpan
        for (place, row) in rows.enumerated() {
            images.write(row, view: view(of: keys[place]), to: &target, at: size * place)
        }
        let shape = [rows.count, 3, images.height, images.width]
        return try ImageBatch(
            pixels: Tensor(pixels, shape: shape).moved(to: device),
            tokensPerImage: tokensPerImage,
            keys: keys.map(Int64.init)
        )
    }

    func augmented(_ augmentation: Augmentation, seed: UInt64) -> (any RowInputs)? {
        showing(augmentation, seed: seed)
    }

    /// The same images, of which batches hold drawn views.
    func showing(_ augmentation: Augmentation, seed: UInt64) -> ImageRows {
        var rows = self
        rows.views = (augmentation, seed)
        return rows
    }

    /// What a batch shows of the image that is called `key` in it; `nil` for all.
    private func view(of key: Int) -> PreparedImages.View? {
        views.map { views in
            var generator = SplitMix64(state: StableHash.mix(views.seed, UInt64(key)))
            return views.of.view(
                width: images.width,
                height: images.height,
                using: &generator
            )
        }
    }

    func append(to bytes: inout HashedBytes) {
        bytes.append(Array(ContentHash(of: images.pixels).hexadecimal.utf8))
        bytes.append(images.values.map(\.bitPattern))
        bytes.append([images.width, images.height])
    }
}

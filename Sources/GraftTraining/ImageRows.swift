internal import GraftFormats
internal import GraftLayers
internal import GraftModels
internal import GraftTorch
internal import GraftVision

/// Prepared images: 3 bytes a pixel until a batch is made of them.
struct ImageRows: RowInputs {
    private let images: PreparedImages
    private let tokensPerImage: Int

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
        let size = images.width * images.height
        var pixels = [Float](repeating: 0, count: 3 * size * rows.count)
        let (bytes, values) = (images.pixels.span, images.values.span)
        var target = pixels.mutableSpan
        for (place, row) in rows.enumerated() {
            for channel in 0..<3 {
                var source = 3 * size * row + channel
                let first = (3 * place + channel) * size
                for index in first..<first + size {
                    target[index] = values[256 * channel + Int(bytes[source])]
                    source += 3
                }
            }
        }
        let shape = [rows.count, 3, images.height, images.width]
        return try ImageBatch(
            pixels: Tensor(pixels, shape: shape).moved(to: device),
            tokensPerImage: tokensPerImage,
            keys: keys.map(Int64.init)
        )
    }

    func append(to bytes: inout HashedBytes) {
        bytes.append(Array(ContentHash(of: images.pixels).hexadecimal.utf8))
        bytes.append(images.values.map(\.bitPattern))
        bytes.append([images.width, images.height])
    }
}

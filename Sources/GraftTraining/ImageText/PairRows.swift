internal import GraftLayers
internal import GraftTorch

/// Pairs of a prepared image and a text's token ids.
struct PairRows: RowInputs {
    private(set) var images: ImageRows
    /// For each pair, the place of its image.
    let imageOfRow: [Int]
    let texts: TokenRows

    var count: Int { texts.count }

    func length(_ row: Int) -> Int { images.length(imageOfRow[row]) + texts.length(row) }

    func limitedLength(_ row: Int) -> Int { texts.length(row) }

    func batch(_ rows: [Int], device: Device) throws(TorchError) -> any RaggedBatch {
        try ImageTextBatch(
            images: images.imageBatch(rows.map { imageOfRow[$0] }, keys: rows, device: device),
            texts: texts.tokenBatch(rows, device: device)
        )
    }

    func augmented(_ augmentation: Augmentation, seed: UInt64) -> (any RowInputs)? {
        var rows = self
        rows.images = images.showing(augmentation, seed: seed)
        return rows
    }

    func append(to bytes: inout HashedBytes) {
        images.append(to: &bytes)
        texts.append(to: &bytes)
        bytes.append(imageOfRow)
    }
}

public import GraftTorch

/// A batch of pairs of an image and a text.
public struct ImageTextBatch: RaggedBatch {
    /// The images, one for each pair.
    public let images: ImageBatch
    /// The texts, likewise.
    public let texts: TokenBatch
    /// How the tokens of both would lie, pair by pair.
    public let layout: RaggedLayout

    /// Puts images and texts together.
    ///
    /// - Parameters:
    ///   - images: As many as texts.
    ///   - texts: In the same order.
    /// - Throws: `TorchError`, of kind `invalidArgument` if there are not as many of both.
    public init(images: ImageBatch, texts: TokenBatch) throws(TorchError) {
        let count = texts.layout.rowCount
        guard images.layout.rowCount == count else {
            throw TorchError(
                kind: .invalidArgument,
                operation: "batch",
                message: "\(images.layout.rowCount) images for \(count) texts"
            )
        }
        layout = try RaggedLayout(
            lengths: (0..<count).map { images.layout.length($0) + texts.layout.length($0) },
            keys: texts.layout.rowKeys
        ).moved(to: images.pixels.device)
        (self.images, self.texts) = (images, texts)
    }
}

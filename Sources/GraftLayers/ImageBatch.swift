public import GraftTorch

/// A batch of images of one size, of which each becomes as many tokens.
public struct ImageBatch: RaggedBatch {
    /// Preprocessed channels: float32 [rows, 3, height, width].
    public let pixels: Tensor
    /// How the tokens that the model makes of the images lie.
    public let layout: RaggedLayout

    /// Gathers images.
    ///
    /// - Parameters:
    ///   - pixels: [rows, 3, height, width]
    ///   - tokensPerImage: The tokens that the model makes of one, special ones included.
    ///   - keys: A name for each row; by default its index.
    /// - Throws: `TorchError` if memory runs out.
    public init(
        pixels: Tensor,
        tokensPerImage: Int,
        keys: [Int64]? = nil
    ) throws(TorchError) {
        let lengths = [Int](repeating: tokensPerImage, count: pixels.size(0))
        layout = try RaggedLayout(lengths: lengths, keys: keys).moved(to: pixels.device)
        self.pixels = pixels
    }
}

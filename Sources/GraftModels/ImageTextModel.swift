public import GraftLayers
public import GraftTorch

/// A model with a tower over images and one over texts, whose outputs meet in one space.
///
/// Adapters may act in either tower or in both.
public protocol ImageTextModel: Model {
    /// The tower over images, on which heads sit.
    var imageTower: any ImageTower { get }
    /// The tower over texts.
    var textTower: any Tower<TokenBatch> { get }
    /// The logarithm of what cosines are multiplied with.
    var logitScale: Tensor { get }
    /// The width of the common space.
    var embeddingSize: Int { get }

    /// Places images in the common space by what the tower's pooler makes of them.
    ///
    /// - Parameter pooled: [rows, hidden]
    /// - Returns: [rows, ``embeddingSize``], of any length.
    /// - Throws: `TorchError` if the width does not fit.
    func embedding(ofPooled pooled: Tensor) throws(TorchError) -> Tensor
    /// Places texts in the common space: [rows, ``embeddingSize``], of any length.
    func embedding(of batch: TokenBatch, in context: ForwardContext) throws(TorchError) -> Tensor
}

extension ImageTextModel {
    /// What cosines are multiplied with.
    package var scale: Double {
        get throws(TorchError) { try logitScale.converted(to: .float32).exponential().item() }
    }

    /// Places images in the common space: [rows, ``embeddingSize``], of any length.
    public func embedding(
        of batch: ImageBatch,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        let output = try imageTower(batch, in: context, wanted: .first)
        return try embedding(ofPooled: output.pooled(by: .pooler))
    }

    /// Places pairs of an image and a text in the common space, side by side.
    ///
    /// Texts have length 1 there, and images the length that cosines are multiplied with: products of the halves
    /// are the model's logits.
    ///
    /// - Parameters:
    ///   - batch: Pairs.
    ///   - adapters: What acts in the towers.
    ///   - dropoutSeed: What dropout depends on, in training; `nil` otherwise.
    /// - Returns: float32 [pairs, 2 · ``embeddingSize``], the images' half first.
    /// - Throws: `TorchError`, of kind `invalidArgument` if a text is longer than the model's positions.
    public func pairEmbeddings(
        _ batch: ImageTextBatch,
        adapters: SiteAdapters,
        dropoutSeed: UInt64? = nil
    ) throws(TorchError) -> Tensor {
        func context(_ layout: RaggedLayout) -> ForwardContext {
            ForwardContext(layout: layout, adapters: adapters, dropoutSeed: dropoutSeed)
        }
        let images = try embedding(of: batch.images, in: context(batch.images.layout))
        let texts = try embedding(of: batch.texts, in: context(batch.texts.layout))
        let scale = try logitScale.converted(to: .float32).exponential()
        return try .concatenated([images.unitRows() * scale, texts.unitRows()], along: 1)
    }
}

extension Tensor {
    /// Each row divided by its length, in float32.
    package func unitRows() throws(TorchError) -> Tensor {
        let x = try converted(to: .float32)
        return try x / x.squared().sum(along: -1, keepingDimension: true).squareRoot()
    }
}

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

    /// Places images in the common space: [rows, projection], of any length.
    func embedding(of batch: ImageBatch, in context: ForwardContext) throws(TorchError) -> Tensor
    /// Places texts in the common space: [rows, projection], of any length.
    func embedding(of batch: TokenBatch, in context: ForwardContext) throws(TorchError) -> Tensor
}

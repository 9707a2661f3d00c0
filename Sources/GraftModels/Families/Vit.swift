public import GraftLayers
public import GraftTorch

/// ViT: pre-LN blocks over the patches of an image, behind a class token.
///
/// Reference: Dosovitskiy et al., [An Image is Worth 16x16 Words](https://arxiv.org/abs/2010.11929);
/// numerically `transformers` 4.57.6, `models/vit/modeling_vit.py`, whose parameter names this file uses.
/// DINO's models and DeiT's without distillation token are ViT models too.
public struct Vit: ImageEncoder {
    public static let modelTypes = ["vit"]
    public static let checkpointPrefix = "vit"

    private let transformer: VisionTransformer

    public init(_ file: ConfigurationFile, _ scope: ParameterScope) throws {
        transformer = try VisionTransformer(
            file.decode(VisionTransformer.Configuration.self),
            family: "vit",
            tokens: ["cls_token"],
            scope
        )
    }

    public var shape: ModelShape { transformer.shape }
    public var sites: SiteMap { transformer.sites }
    public var tower: Site.Tower { VisionTransformer.tower }
    public var imageSize: Int { transformer.imageSize }
    public var tokensPerImage: Int { transformer.tokensPerImage }
    public var keepsRows: Bool { transformer.keepsRows }

    public func embedded(
        _ batch: ImageBatch,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor {
        try transformer.embedded(batch, in: &context)
    }

    public func block(
        _ index: Int,
        _ x: Tensor,
        of batch: ImageBatch,
        in context: inout ForwardContext,
        keeping kept: KeptTokens?
    ) throws(TorchError) -> Tensor {
        try transformer.block(index, x, in: &context, keeping: kept)
    }

    public func finished(
        _ hidden: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        try transformer.finished(hidden, in: context)
    }

    public func pooled(_ firstTokens: Tensor) throws(TorchError) -> Tensor? {
        try transformer.pooled(firstTokens)
    }
}

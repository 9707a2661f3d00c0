public import GraftLayers
public import GraftTorch

/// DeiT: ViT with a second special token, which was trained by distillation.
///
/// Reference: Touvron et al., [Training data-efficient image transformers](https://arxiv.org/abs/2012.12877);
/// numerically `transformers` 4.57.6, `models/deit/modeling_deit.py`, whose parameter names this file uses.
/// A head reads the class token. Folders of DeiT without distillation say `vit` of themselves.
public struct Deit: ImageEncoder {
    public static let modelTypes = ["deit"]
    public static let checkpointPrefix = "deit"

    private let transformer: VisionTransformer

    public init(_ file: ConfigurationFile, _ scope: ParameterScope) throws {
        transformer = try VisionTransformer(
            file.decode(VisionTransformer.Configuration.self),
            family: "deit",
            tokens: ["cls_token", "distillation_token"],
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

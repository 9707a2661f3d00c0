public import GraftLayers
public import GraftTorch

/// A stack of blocks over ragged rows of hidden states.
///
/// A tower computes what its first block reads from a batch of whatever it reads, and each block
/// from the one below; `callAsFunction(_:in:wanted:trunk:)` puts them together, the same way for
/// tokens and images, encoders and decoders.
public protocol Tower<Batch>: Sendable {
    /// What the tower reads: tokens, images, tokens beside encoded ones.
    associatedtype Batch: RaggedBatch

    /// Which of a model's towers this is.
    var tower: Site.Tower { get }
    /// The towers whose outputs ``Batch`` holds, as a decoder's holds the encoder's.
    var upstream: Set<Site.Tower> { get }
    /// The number of blocks.
    var layerCount: Int { get }
    /// Where adapters may act in this tower.
    var sites: SiteMap { get }

    /// Takes a batch of another kind as one of this tower's, where there is one way to do so.
    ///
    /// - Returns: The batch, or `nil` if the tower reads other things.
    func adopted(_ batch: any RaggedBatch) throws(TorchError) -> Batch?

    /// Computes what ``upstream`` towers make of a batch, which blocks read.
    ///
    /// - Parameters:
    ///   - batch: Rows.
    ///   - context: What acts, in those towers too.
    /// - Returns: The rows with what blocks find there; those that have it stay as they are.
    /// - Throws: As those towers' passes.
    func completed(_ batch: Batch, in context: ForwardContext) throws(TorchError) -> Batch

    /// Computes what the first block reads, with the adapter at the embeddings.
    ///
    /// - Parameters:
    ///   - batch: Rows.
    ///   - context: What acts; its layout is that of `batch`, and becomes that of the result.
    /// - Returns: [tokens, hidden]
    /// - Throws: `TorchError`, of kind `invalidArgument` if a row is longer than the model's
    ///   positions.
    func embedded(_ batch: Batch, in context: inout ForwardContext) throws(TorchError) -> Tensor

    /// Computes one block.
    ///
    /// - Parameters:
    ///   - index: Which, counted from 0.
    ///   - x: The hidden states of the tokens that the context lays out: [tokens, hidden]
    ///   - batch: The rows; blocks that attend to another tower's output find it there.
    ///   - context: What acts; with `kept`, its layout becomes that of the result.
    ///   - kept: The tokens whose results are needed; `nil` for all.
    /// - Returns: [tokens, hidden], of the kept tokens alone if there are such.
    /// - Throws: `TorchError` if shapes do not fit.
    func block(
        _ index: Int,
        _ x: Tensor,
        of batch: Batch,
        in context: inout ForwardContext,
        keeping kept: KeptTokens?
    ) throws(TorchError) -> Tensor

    /// Ends the tower: the norm behind the last block of pre-LN models, nothing in others.
    func finished(_ hidden: Tensor, in context: ForwardContext) throws(TorchError) -> Tensor

    /// Whether a row's hidden states have the same bits in every batch, given products that have.
    var keepsRows: Bool { get }

    /// Applies the model's own pooler: [rows, hidden] -> [rows, hidden]; `nil` without one.
    func pooled(_ firstTokens: Tensor) throws(TorchError) -> Tensor?
}

extension Tower {
    public var upstream: Set<Site.Tower> { [] }

    public func adopted(_ batch: any RaggedBatch) throws(TorchError) -> Batch? { batch as? Batch }

    public func completed(
        _ batch: Batch,
        in context: ForwardContext
    ) throws(TorchError) -> Batch { batch }

    public func finished(
        _ hidden: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor { hidden }

    public func pooled(_ firstTokens: Tensor) throws(TorchError) -> Tensor? { nil }
}

/// A model that is one tower over tokens.
public protocol TextEncoder: Model, Tower where Batch == TokenBatch {
    var sites: SiteMap { get }
}

extension TextEncoder {
    public var layerCount: Int { shape.layerCount }
}

/// Which tokens' last hidden states a caller reads.
public enum WantedTokens: Sendable, Hashable {
    case all
    /// The first of each row; the last block then computes no others.
    case first
    /// The last of each row, likewise.
    case last
    /// Those at some places of the batch's tokens, which rise, likewise.
    case chosen([Int64])
    /// All, and those after the embeddings and after every block too.
    case allWithLayers
    /// All, those that adapters added among them: what another tower attends to.
    case allWithAdded
}

/// Hidden states and how they lie.
///
/// Where an adapter added tokens, these are the states of the batch's own tokens; but a row's first
/// token is that which the blocks saw, be it an added one.
public struct EncoderOutput: Sendable {
    /// The last hidden states of the tokens that ``layout`` lays out: [tokens, hidden].
    public let hidden: Tensor
    /// The layout of ``hidden``: the batch's, or that of the tokens that were wanted.
    public let layout: RaggedLayout
    /// The embeddings' output and every block's, where asked for: [tokens, hidden] each; those of
    /// the last block are not ``Tower/finished(_:in:)`` yet.
    public let layers: [Tensor]
    /// Each row's first hidden state: [rows, hidden].
    public let firstTokens: @Sendable () throws(TorchError) -> Tensor
    /// What the model's own pooler makes of each row's first token: [rows, hidden]; `nil` without.
    public let pooled: @Sendable () throws(TorchError) -> Tensor?
}

extension EncoderOutput {
    /// The same for some of the rows.
    package func narrowed(rows: Range<Int>) throws(TorchError) -> EncoderOutput {
        let tokens = layout.tokens(of: rows)
        return EncoderOutput(
            hidden: try hidden.narrowed(tokens),
            layout: try layout.narrowed(rows: rows),
            layers: try layers.map { layer throws(TorchError) in try layer.narrowed(tokens) },
            firstTokens: { () throws(TorchError) in try firstTokens().narrowed(rows) },
            pooled: { () throws(TorchError) in try pooled()?.narrowed(rows) }
        )
    }
}

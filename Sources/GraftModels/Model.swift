public import GraftLayers
public import GraftTorch

/// A frozen transformer that reads ragged batches of tokens.
///
/// A family is one file under `Families/` and one line in ``ModelRegistry/builtin``. It declares
/// its parameters by asking a scope for names and shapes, publishes its sites, and calls its
/// `ForwardContext` at each of them.
public protocol TextEncoder: Sendable {
    /// The values of `model_type` in `config.json` that this family reads.
    static var modelTypes: [String] { get }
    /// What checkpoints of whole models put before the base model's names, such as `bert`.
    static var checkpointPrefix: String { get }

    /// Builds the model.
    ///
    /// - Parameters:
    ///   - file: The folder's `config.json`.
    ///   - scope: The root of the base model's parameters.
    /// - Throws: `ConfigurationError` naming a field that cannot be used, or what the scope throws.
    init(_ file: ConfigurationFile, _ scope: ParameterScope) throws

    /// Sizes that heads, reports and checks need.
    var shape: ModelShape { get }
    /// Where adapters may act.
    var sites: SiteMap { get }

    /// Computes what the first block reads, with the adapter at the embeddings.
    ///
    /// - Parameters:
    ///   - batch: Rows of tokens.
    ///   - context: What acts; its layout is that of `batch`, and becomes that of the result.
    /// - Returns: [tokens, hidden]
    /// - Throws: `TorchError`, of kind `invalidArgument` if a row is longer than the model's
    ///   positions.
    func embedded(
        _ batch: TokenBatch,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor

    /// Computes one block.
    ///
    /// - Parameters:
    ///   - index: Which, counted from 0.
    ///   - x: The hidden states of the tokens that the context lays out: [tokens, hidden]
    ///   - context: What acts; with `keepingFirstTokens`, its layout becomes that of the result.
    ///   - keepingFirstTokens: Whether only each row's first token is needed.
    /// - Returns: [tokens, hidden], or [rows, hidden] if only first tokens are kept.
    /// - Throws: `TorchError` if shapes do not fit.
    func block(
        _ index: Int,
        _ x: Tensor,
        in context: inout ForwardContext,
        keepingFirstTokens: Bool
    ) throws(TorchError) -> Tensor

    /// Whether a row's hidden states have the same bits in every batch, given products that have.
    var keepsRows: Bool { get }

    /// Applies the model's own pooler: [rows, hidden] -> [rows, hidden]; `nil` without one.
    func pooled(_ firstTokens: Tensor) throws(TorchError) -> Tensor?
}

/// Which tokens' last hidden states a caller reads.
public enum WantedTokens: Sendable {
    case all
    /// The first of each row; the last block then computes no others.
    case first
    /// All, and those after the embeddings and after every block too.
    case allWithLayers
}

/// Hidden states and how they lie.
///
/// Where an adapter added tokens, these are the states of the batch's own tokens; but a row's first
/// token is that which the blocks saw, be it an added one.
public struct EncoderOutput: Sendable {
    /// The last hidden states of the tokens that ``layout`` lays out: [tokens, hidden].
    public let hidden: Tensor
    /// The layout of ``hidden``: the batch's, or that of the rows' first tokens.
    public let layout: RaggedLayout
    /// The embeddings' output and every block's, where asked for: [tokens, hidden] each.
    public let layers: [Tensor]
    /// Each row's first hidden state: [rows, hidden].
    public let firstTokens: @Sendable () throws(TorchError) -> Tensor
    /// What the model's own pooler makes of each row's first token: [rows, hidden]; `nil` without.
    public let pooled: @Sendable () throws(TorchError) -> Tensor?
}

/// The sizes of a model.
public struct ModelShape: Sendable, Hashable, Codable {
    /// The value of `model_type`.
    public let family: String
    /// The width of hidden states.
    public let hiddenSize: Int
    /// The number of blocks.
    public let layerCount: Int
    /// Entries of the word embeddings.
    public let vocabularySize: Int
    /// The longest row.
    public let positions: Int
    /// The dropout probability that a head inherits.
    public let headDropout: Double
    /// The standard deviation of new weights, which a head inherits.
    public let initializerRange: Double
    /// Whether the model has a pooler of its own.
    public let hasPooler: Bool
}

/// The families that Graft knows.
public struct ModelRegistry: Sendable {
    /// The families, in the order in which they are asked.
    public let families: [any TextEncoder.Type]

    /// Everything that comes with Graft.
    public static let builtin = ModelRegistry(families: [
        Bert.self
    ])

    /// Finds the family of a model folder by `model_type` in its `config.json`.
    ///
    /// - Throws: `ConfigurationError` naming the type and the known ones.
    public func family(of file: ConfigurationFile) throws -> any TextEncoder.Type {
        let type = try file.decode(ModelType.self).name
        if let family = families.first(where: { $0.modelTypes.contains(type) }) { return family }
        let known = families.flatMap { $0.modelTypes }.sorted().joined(separator: ", ")
        var error = ConfigurationError(
            field: "model_type",
            problem: "'\(type)' is not supported (known: \(known))"
        )
        error.file = file.path
        throw error
    }
}

private struct ModelType: Decodable {
    let name: String

    enum CodingKeys: String, CodingKey, CaseIterable { case name = "model_type" }

    init(from decoder: any Decoder) throws {
        name = try decoder.fields(CodingKeys.self, unknown: .ignored).required(.name)
    }
}

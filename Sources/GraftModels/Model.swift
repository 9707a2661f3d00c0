public import GraftLayers
internal import GraftTorch

/// A frozen pretrained model of some family.
///
/// A family is one file under `Families/` and one line in ``ModelRegistry/builtin``. It declares
/// its parameters by asking a scope for names and shapes, publishes its sites, and calls its
/// `ForwardContext` at each of them. What computes is a ``Tower``: a family with one stack of
/// blocks is a tower itself, as a ``TextEncoder`` is; a family with two has two.
public protocol Model: Sendable {
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
    /// Where adapters may act, in all towers.
    var sites: SiteMap { get }
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
    /// Whether a token sees only those before it, so that a row's last token has seen all of it.
    public var isCausal = false

    /// What a head reads of a row unless it is told otherwise: of causal models the last token.
    public var defaultPooling: Pooling { isCausal ? .last : .first }
}

extension ModelShape {
    /// Confirms that no row is longer than the model's positions.
    func checkLengths(of batch: TokenBatch) throws(TorchError) {
        for row in 0..<batch.layout.rowCount {
            let length = batch.starts[row] + batch.layout.length(row)
            guard length > positions else { continue }
            throw TorchError(
                kind: .invalidArgument,
                operation: "\(family)",
                message: "row \(row) has \(length) tokens, the model \(positions) positions"
                    + " (hint: lower the maximum length)"
            )
        }
    }
}

/// The families that Graft knows.
public struct ModelRegistry: Sendable {
    /// The families, in the order in which they are asked.
    public let families: [any Model.Type]

    /// Everything that comes with Graft.
    public static let builtin = ModelRegistry(families: [
        Bert.self, Roberta.self, DistilBert.self, Electra.self, Llama.self, GPT2.self, T5.self,
        Vit.self, Deit.self, Clip.self,
    ])

    /// Finds the family of a model folder by `model_type` in its `config.json`.
    ///
    /// - Throws: `ConfigurationError` naming the type and the known ones.
    public func family(of file: ConfigurationFile) throws -> any Model.Type {
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

    enum CodingKeys: String, CodingKey, CaseIterable {
        case name = "model_type"
        case quantization = "quantization_config"
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self, unknown: .ignored)
        name = try fields.required(.name)
        guard !fields.contains(.quantization) else {
            throw fields.invalid(.quantization, "quantised checkpoints are not supported")
        }
    }
}

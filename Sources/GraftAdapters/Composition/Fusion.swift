internal import GraftLayers
internal import GraftTorch

/// AdapterFusion: at every token, an attention over what several adapters make of the same states.
///
/// With `z` what the adapters read and `u_i` the change that adapter `i` makes of it, the score of an
/// adapter is `(W_q z + b_q) · (W_k u_i + b_k)`, without a divisor, and the result
/// `Σ softmax(scores)_i W_v u_i` plus the residual. Only the fusion is trained; the adapters are as
/// they were.
///
/// Reference: Pfeiffer et al., [AdapterFusion](https://arxiv.org/abs/2005.00247), section 3; defaults
/// and names are those of `adapters` 1.3.0, `configuration/adapter_fusion_config.py`. Unlike there,
/// the regulariser is a term of the loss (there it is applied one step late, outside of it), and scores are dropped
/// as in BERT on every model (there as the model drops those of its attention: on ViT and Llama not at all).
public struct Fusion: Sendable, Hashable {
    /// Whether the states are projected before they are compared.
    public var projectsQuery = true
    /// Whether the changes are projected before they are compared.
    public var projectsKey = true
    /// Whether the changes are projected before they are added up.
    public var projectsValue = true
    /// Whether the query is the sub-layer's output instead of what the adapters read.
    public var queryBeforeNorm = false
    /// Whether the loss gains `0.01 ‖I - W_v‖²` for every fusion.
    public var isRegularized = true
    /// Whether the residual is part of what is compared and added up.
    public var addsResidualFirst = false
    /// Whether `W_v` is applied to each change instead of their mean.
    public var projectsBeforeMean = true
    /// Whether `W_v` starts as the identity.
    public var startsAsIdentity = true
    /// The probability with which a score is dropped in training.
    public var dropout = 0.1

    /// The reference's `dynamic` fusion.
    public init() {}

    /// Reads a fusion as users write it: `dynamic` or `static`, and settings in brackets.
    ///
    /// - Throws: `ConfigurationError` naming what is unknown.
    public init(named text: String) throws {
        let expression = try MethodExpression(text)
        switch expression.name {
        case "dynamic": self = try expression.applied(to: Fusion())
        case "static": self = try expression.applied(to: .static)
        default:
            throw ConfigurationError(
                field: "fusion",
                problem: "unknown fusion '\(expression.name)' (known: dynamic, static)"
            )
        }
    }

    /// The reference's `static` fusion: no `W_v`.
    public static var `static`: Fusion {
        var fusion = Fusion()
        (fusion.projectsValue, fusion.isRegularized) = (false, false)
        return fusion
    }
}

extension Fusion: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case projectsQuery = "query"
        case projectsKey = "key"
        case projectsValue = "value"
        case queryBeforeNorm = "query_before_ln"
        case isRegularized = "regularization"
        case addsResidualFirst = "residual_before"
        case temperature
        case projectsBeforeMean = "value_before_softmax"
        case startsAsIdentity = "value_initialized"
        case dropout = "dropout_prob"
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        projectsQuery = try fields.value(.projectsQuery, default: projectsQuery)
        projectsKey = try fields.value(.projectsKey, default: projectsKey)
        projectsValue = try fields.value(.projectsValue, default: projectsValue)
        queryBeforeNorm = try fields.value(.queryBeforeNorm, default: queryBeforeNorm)
        isRegularized = try fields.value(.isRegularized, default: isRegularized && projectsValue)
        addsResidualFirst = try fields.value(.addsResidualFirst, default: addsResidualFirst)
        projectsBeforeMean = try fields.value(.projectsBeforeMean, default: projectsBeforeMean)
        startsAsIdentity = try fields.value(.startsAsIdentity, default: startsAsIdentity)
        dropout = try fields.probability(.dropout, default: dropout)
        guard try !fields.value(.temperature, default: false) else {
            throw fields.invalid(
                .temperature,
                "true is not supported: it would make a row's result depend on the number of passes"
            )
        }
        guard !isRegularized || projectsValue else {
            throw fields.invalid(.isRegularized, "true needs value=true")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(projectsQuery, forKey: .projectsQuery)
        try fields.encode(projectsKey, forKey: .projectsKey)
        try fields.encode(projectsValue, forKey: .projectsValue)
        try fields.encode(queryBeforeNorm, forKey: .queryBeforeNorm)
        try fields.encode(isRegularized, forKey: .isRegularized)
        try fields.encode(addsResidualFirst, forKey: .addsResidualFirst)
        try fields.encode(false, forKey: .temperature)
        try fields.encode(projectsBeforeMean, forKey: .projectsBeforeMean)
        try fields.encode(startsAsIdentity, forKey: .startsAsIdentity)
        try fields.encode(dropout, forKey: .dropout)
    }
}

/// An adapter whose change can be told from its residual connection, so that several can be fused.
protocol FusableAdapter: HiddenAdapter {
    /// Whether its settings leave nothing behind the change but the residual.
    var canFuse: Bool { get }

    /// What the adapter reads, and what its residual connection adds: [tokens, hidden] each.
    func operands(
        _ state: HiddenState
    ) throws(TorchError) -> (input: Tensor, residual: Tensor)

    /// What the adapter adds to its residual, given what it reads: float32 [tokens, hidden]
    func change(
        of input: Tensor,
        at site: Site,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor
}

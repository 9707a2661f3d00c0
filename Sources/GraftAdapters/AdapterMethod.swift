public import GraftLayers
public import GraftTorch

/// A way of adapting a frozen transformer, with its settings.
///
/// A method is one file under `Methods/` and one line in ``AdapterRegistry/builtin``. Its value
/// *is* its configuration; it is stored in adapter files as it encodes itself. At each site of a
/// model it may attach an adapter, whose parameters it asks a scope for; it never sees the model.
public protocol AdapterMethod: Codable, Sendable {
    /// The method's name in adapter files.
    static var identifier: String { get }

    /// The names by which users ask for the method, each with the settings that it stands for.
    ///
    /// The first is the method's own name.
    static var presets: KeyValuePairs<String, Self> { get }

    /// Settings that say how parameters start and are trained: trained ones mean the same whatever they were.
    static var trainingSettings: Set<String> { get }

    /// Confirms that the settings make sense for a model before anything is computed.
    ///
    /// - Throws: `ConfigurationError` naming the field.
    func check(against sites: SiteMap) throws

    /// The adapter at a frozen projection, or `nil` if the method does not act there.
    func attach(to target: LinearSite, _ scope: ParameterScope) throws -> (any LinearAdapter)?

    /// The adapter at a sub-layer's output, or `nil` if the method does not act there.
    func attach(to target: HiddenSite, _ scope: ParameterScope) throws -> (any HiddenAdapter)?

    /// The adapter at a frozen normalisation, or `nil` if the method does not act there.
    func attach(to target: NormSite, _ scope: ParameterScope) throws -> (any NormAdapter)?

    /// What stands in front of an attention's keys, or `nil` if the method does not act there.
    func attach(to target: AttentionSite, _ scope: ParameterScope) throws
        -> (any AttentionAdapter)?

    /// The adapter at a block's output, or `nil` if the method does not act there.
    func attach(to target: BlockSite, _ scope: ParameterScope) throws -> (any BlockAdapter)?

    /// The adapter at the embeddings' output, or `nil` if the method does not act there.
    func attach(to target: EmbeddingSite, _ scope: ParameterScope) throws
        -> (any EmbeddingAdapter)?

    /// Attaches the method at every site where it acts.
    ///
    /// Methods whose sites share parameters do so here; for the others, each `attach(to:_:)` is
    /// asked about its sites.
    ///
    /// - Parameters:
    ///   - sites: The model's sites.
    ///   - scope: Where parameters come from; a site's are below its path.
    /// - Returns: What acts at each site.
    /// - Throws: `ConfigurationError` if the settings do not fit the model, or what the scope
    ///   throws.
    func attached(to sites: SiteMap, _ scope: ParameterScope) throws -> SiteAdapters

    /// Makes one adapter of the weights of several.
    ///
    /// By default it is their mean, parameter by parameter. Methods whose parameters say what they add to
    /// the frozen model do more.
    ///
    /// - Parameters:
    ///   - adapters: One or more, whose parameters have the same names.
    ///   - arithmetic: What is done.
    /// - Returns: The new adapter.
    /// - Throws: `ConfigurationError` if the method has no such operation, or `ParameterError` naming a
    ///   tensor in which they differ.
    static func combined(
        _ adapters: [TrainedAdapter<Self>],
        by arithmetic: WeightArithmetic
    ) throws -> CombinedAdapter

    /// Replaces texts among the settings by the tokens that they stand for, before new parameters
    /// are made.
    ///
    /// - Parameter encode: Turns a text into a row of token ids, as the model reads texts.
    /// - Returns: The method with all that its start values depend on.
    /// - Throws: `ConfigurationError` if a text has no tokens, or what `encode` throws.
    func prepared(encode: (String) throws -> [Int32]) throws -> Self

    /// Whether the base model itself is trained, as full fine-tuning does.
    var trainsBase: Bool { get }

    /// The setting by which what happens to a token depends on those behind it, or `nil` if none does.
    ///
    /// A model that writes text would see in training what it is to write.
    var settingThatLooksAhead: String? { get }

    /// The learning rate that suits the method where the user names none.
    var defaultLearningRate: Double { get }

    /// What the learning rate of a parameter is multiplied with.
    ///
    /// - Parameter parameter: Its full name, such as `adapter.encoder.0.query.lora_B`.
    /// - Returns: 1 for the run's own rate.
    func learningRateFactor(_ parameter: String) -> Double

    /// What happens to the parameters between the steps of a run, or `nil` for nothing.
    ///
    /// - Parameters:
    ///   - parameters: What is trained, with full names such as `adapter.encoder.0.query.lora_B`.
    ///   - steps: The steps of the run.
    /// - Returns: The rule of one run.
    /// - Throws: `ConfigurationError` if the settings do not suit so many steps.
    func stepRule(
        for parameters: [ParameterBuffer.Slice],
        steps: Int
    ) throws -> (any StepRule)?

    /// Known pitfalls of these settings, a line each.
    ///
    /// - Parameters:
    ///   - sites: The model's sites.
    ///   - isSequenceTask: Whether a row has one label, not one for each token.
    /// - Returns: What to tell the user; usually nothing.
    func warnings(for sites: SiteMap, isSequenceTask: Bool) -> [String]
}

extension AdapterMethod {
    public static var trainingSettings: Set<String> { ["dropout", "init_weights_seed"] }

    public func check(against sites: SiteMap) throws {}

    public func attach(
        to target: LinearSite,
        _ scope: ParameterScope
    ) throws -> (any LinearAdapter)? { nil }

    public func attach(
        to target: HiddenSite,
        _ scope: ParameterScope
    ) throws -> (any HiddenAdapter)? { nil }

    public func attach(
        to target: NormSite,
        _ scope: ParameterScope
    ) throws -> (any NormAdapter)? { nil }

    public func attach(
        to target: AttentionSite,
        _ scope: ParameterScope
    ) throws -> (any AttentionAdapter)? { nil }

    public func attach(
        to target: BlockSite,
        _ scope: ParameterScope
    ) throws -> (any BlockAdapter)? { nil }

    public func attach(
        to target: EmbeddingSite,
        _ scope: ParameterScope
    ) throws -> (any EmbeddingAdapter)? { nil }

    public func prepared(encode: (String) throws -> [Int32]) throws -> Self { self }

    public var trainsBase: Bool { false }

    public var settingThatLooksAhead: String? { nil }

    public var defaultLearningRate: Double { 5e-4 }

    public func learningRateFactor(_ parameter: String) -> Double { 1 }

    public func stepRule(
        for parameters: [ParameterBuffer.Slice],
        steps: Int
    ) throws -> (any StepRule)? { nil }

    public func warnings(for sites: SiteMap, isSequenceTask: Bool) -> [String] { [] }

    public func attached(to sites: SiteMap, _ scope: ParameterScope) throws -> SiteAdapters {
        try check(against: sites)
        var adapters = SiteAdapters()
        for target in sites.linear {
            adapters.linear[target.site] = try attach(to: target, scope / target.site.path)
        }
        for target in sites.hidden {
            adapters.hidden[target.site] = try attach(to: target, scope / target.site.path)
        }
        for target in sites.norm {
            adapters.norm[target.site] = try attach(to: target, scope / target.site.path)
        }
        for target in sites.attention {
            adapters.attention[target.site] = try attach(to: target, scope / target.site.path)
        }
        for target in sites.block {
            adapters.block[target.site] = try attach(to: target, scope / target.site.path)
        }
        for target in sites.embedding {
            adapters.embedding[target.site] = try attach(to: target, scope / target.site.path)
        }
        return adapters
    }
}

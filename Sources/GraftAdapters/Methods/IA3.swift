public import GraftLayers
internal import GraftTorch

/// (IA)³: trained vectors that scale keys, values and the feed-forward's inner activations.
///
/// | preset | attention | feed-forward |
/// |---|---|---|
/// | `ia3` | outputs of key and value | output of `up`, before the non-linearity: `adapters` 1.3.0 |
/// | `ia3_paper` | outputs of key and value | input of `down`, behind it: the paper and `peft` 0.21.2 |
///
/// They are the same only where nothing non-linear stands between the two projections, as in gated
/// feed-forwards. A scaled output is that of weight and bias; a scaled input leaves the bias as it
/// is. `peft`'s default for BERT scales the inputs of attention's output projection as well, whose
/// module is called `output.dense` too; that is no part of the method.
///
/// Reference: Liu et al., [T-Few](https://arxiv.org/abs/2205.05638), section 3.3.
public struct IA3: AdapterMethod, Hashable {
    public static let identifier = "ia3"

    /// Where the feed-forward is scaled.
    public enum FeedForward: String, Sendable, Hashable, Codable, CaseIterable {
        case none
        /// Before the non-linearity, bias included.
        case outputOfUp = "output_of_up"
        /// Behind the non-linearity. The projection is computed again on the scaled input.
        case inputOfDown = "input_of_down"

        fileprivate var role: Site.Role? {
            switch self {
            case .none: nil
            case .outputOfUp: .up
            case .inputOfDown: .down
            }
        }
    }

    /// The projections whose outputs are scaled, besides the feed-forward's.
    public var targets = ProjectionTargets.roles([.key, .value])
    /// Where the feed-forward is scaled.
    public var feedForward = FeedForward.outputOfUp
    /// Blocks without adapters (AdapterDrop).
    public var leaveOut: Set<Int> = []

    public static let presets: KeyValuePairs<String, IA3> = [
        "ia3": IA3(),
        "ia3_paper": IA3 { $0.feedForward = .inputOfDown },
    ]

    private init(_ change: (inout IA3) -> Void = { _ in }) {
        change(&self)
    }

    public var defaultLearningRate: Double { 3e-3 }

    public func check(against sites: SiteMap) throws {
        try targets.check(against: sites, leavingOut: leaveOut)
        guard let role = feedForward.role,
            !sites.linear.contains(where: { $0.site.role == role })
        else { return }
        throw ConfigurationError(
            field: "feedforward",
            problem: "this model has no \(role.rawValue) projection (hint: feedforward=none)"
        )
    }

    public func attach(
        to target: LinearSite,
        _ scope: ParameterScope
    ) throws -> (any LinearAdapter)? {
        guard target.site.layer.map({ !leaveOut.contains($0) }) ?? true else { return nil }
        let scalesInput = feedForward == .inputOfDown && target.site.role == .down
        guard targets.contains(target.site.role) || target.site.role == feedForward.role else {
            return nil
        }
        let size = scalesInput ? target.inputSize : target.outputSize
        let scale = try scope.parameter("scale", shape: [size], initial: .ones)
        return scalesInput
            ? InputScale(linear: target.linear, scale: scale) : OutputScale(scale: scale)
    }

    /// Adds up what scales differ from 1 by, which is what they add to outputs.
    public static func combined(
        _ adapters: [TrainedAdapter<IA3>],
        by arithmetic: WeightArithmetic
    ) throws -> CombinedAdapter {
        try combined(adapters, by: arithmetic, changesFrom: 1)
    }
}

extension IA3: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case targets = "target_modules"
        case feedForward = "feedforward"
        case leaveOut = "leave_out"
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        targets = try fields.value(.targets, default: targets)
        feedForward = try fields.value(.feedForward, default: feedForward)
        leaveOut = try fields.value(.leaveOut, default: leaveOut)
        if let role = feedForward.role, targets.contains(role) {
            throw fields.invalid(
                .feedForward,
                "\(role.rawValue) is one of target_modules already (hint: feedforward=none)"
            )
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(targets, forKey: .targets)
        try fields.encode(feedForward, forKey: .feedForward)
        try fields.encode(leaveOut.sorted(), forKey: .leaveOut)
    }
}

/// Scales what a projection computes: `l ∘ (W x + b)`.
private struct OutputScale: MergeableLinearAdapter {
    let scale: Tensor  // [output]

    func callAsFunction(
        input: Tensor,
        output: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        try (output.converted(to: .float32) * scale).converted(to: output.dtype)
    }

    func merged(into linear: Linear) throws(TorchError) -> (weight: Tensor, bias: Tensor?) {
        let (weight, bias) = try linear.unmerged()
        let scale = try scale.detached()
        guard let bias else { return (try weight * scale.reshaped(-1, 1), nil) }
        return (try weight * scale.reshaped(-1, 1), try bias * scale)
    }
}

/// Scales what a projection reads: `W (l ∘ x) + b`.
private struct InputScale: MergeableLinearAdapter {
    let linear: Linear
    let scale: Tensor  // [input]

    func callAsFunction(
        input: Tensor,
        output: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        try linear((input.converted(to: .float32) * scale).converted(to: input.dtype))
    }

    func merged(into linear: Linear) throws(TorchError) -> (weight: Tensor, bias: Tensor?) {
        let (weight, bias) = try linear.unmerged()
        return (try weight * scale.detached(), bias)
    }
}

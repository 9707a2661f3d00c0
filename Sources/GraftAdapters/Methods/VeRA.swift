public import GraftLayers
public import GraftTorch

/// VeRA: `y = W x + b' + b ∘ B (d ∘ A x)`, with random `A` and `B` that all projections share.
///
/// Only the vectors `d` (rank) and `b` (output) are trained. `A` and `B` have the largest sizes of
/// the adapted projections; each takes the first columns and rows that it needs.
///
/// `A` and `B` are not stored but drawn from `projection_prng_key` whenever the method is attached,
/// exactly as `peft` 0.21.2 draws them: torch's generator on the CPU, `A` before `B`, Kaiming uniform.
/// Uniform numbers of that generator are the same on every machine, so the key stands for them, an
/// adapter stays as small as the paper promises, and those that `peft` saves without projections
/// mean the same here. Where a file brings projections of its own, ``projections(for:)`` tells
/// whether they are these.
///
/// `adapters` 1.3.0 trains full matrices in place of the vectors, which is another method.
///
/// Reference: Kopiczko et al., [VeRA](https://arxiv.org/abs/2310.11454).
public struct VeRA: AdapterMethod, Hashable {
    public static let identifier = "vera"

    public static var trainingSettings: Set<String> {
        ["vera_dropout", "d_initial"]
    }

    /// The rows of `A`.
    public var rank = 256
    /// Which projections are adapted.
    public var targets = ProjectionTargets.roles([.query, .value])
    /// Blocks without adapters (AdapterDrop).
    public var leaveOut: Set<Int> = []
    /// Dropout on the projections' input.
    public var dropout = 0.0
    /// What every element of `d` starts as.
    public var start = 0.1
    /// The seed of `A` and `B`.
    public var projectionSeed: UInt64 = 0

    public static let presets: KeyValuePairs<String, VeRA> = ["vera": VeRA()]

    private init() {}

    public var defaultLearningRate: Double { 4e-3 }

    public func check(against sites: SiteMap) throws {
        try targets.check(against: sites, leavingOut: leaveOut)
    }

    public func attached(to sites: SiteMap, _ scope: ParameterScope) throws -> SiteAdapters {
        try check(against: sites)
        var adapters = SiteAdapters()
        var shared = try projections(for: sites)
        for target in sites.linear where acts(at: target.site) {
            let scope = scope / target.site.path
            let d = try scope.parameter("d", shape: [rank], initial: .constant(start))
            let b = try scope.parameter("b", shape: [target.outputSize], initial: .zeros)
            shared = (try shared.a.moved(to: d.device), try shared.b.moved(to: d.device))
            adapters.linear[target.site] = VeRAAdapter(
                a: try shared.a.narrowed(0..<target.inputSize, along: 1),
                b: try shared.b.narrowed(0..<target.outputSize),
                inner: d,
                outer: b,
                dropout: dropout,
                site: target.site
            )
        }
        return adapters
    }

    /// The shared matrices: `A` [rank, largest input] and `B` [largest output, rank].
    ///
    /// - Throws: `TorchError` if memory runs out.
    public func projections(
        for sites: SiteMap
    ) throws(TorchError) -> (a: Tensor, b: Tensor) {
        let adapted = sites.linear.filter { acts(at: $0.site) }
        let input = adapted.map(\.inputSize).max() ?? 0
        let output = adapted.map(\.outputSize).max() ?? 0
        let generator = try Generator(seed: projectionSeed)
        // Kaiming uniform with the gain of ReLU, in the order of operations of `peft`.
        func drawn(_ shape: [Int]) throws(TorchError) -> Tensor {
            let deviation = 2.0.squareRoot() / Double(shape[1]).squareRoot()
            let bound = 3.0.squareRoot() * deviation
            return try generator.uniform(shape, in: -bound..<bound)
        }
        let a = try drawn([rank, input])
        return (a, try drawn([output, rank]))
    }

    private func acts(at site: Site) -> Bool {
        targets.contains(site, leavingOut: leaveOut)
    }
}

extension VeRA: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case rank = "r"
        case targets = "target_modules"
        case leaveOut = "leave_out"
        case dropout = "vera_dropout"
        case start = "d_initial"
        case projectionSeed = "projection_prng_key"
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        rank = try fields.required(.rank)
        targets = try fields.value(.targets, default: targets)
        leaveOut = try fields.value(.leaveOut, default: leaveOut)
        dropout = try fields.probability(.dropout, default: dropout)
        start = try fields.value(.start, default: start)
        projectionSeed = try fields.required(.projectionSeed)
        guard rank > 0 else { throw fields.invalid(.rank, "must be positive, found \(rank)") }
        guard start.isFinite, start != 0 else {
            throw fields.invalid(
                .start,
                "must not be 0, found \(start) (hint: b starts at 0 already, and neither would learn)"
            )
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(rank, forKey: .rank)
        try fields.encode(targets, forKey: .targets)
        try fields.encode(leaveOut.sorted(), forKey: .leaveOut)
        try fields.encode(dropout, forKey: .dropout)
        try fields.encode(start, forKey: .start)
        try fields.encode(projectionSeed, forKey: .projectionSeed)
    }
}

/// VeRA at one projection.
private struct VeRAAdapter: MergeableLinearAdapter {
    let a: Tensor  // [rank, input]
    let b: Tensor  // [output, rank]
    let inner: Tensor  // [rank]
    let outer: Tensor  // [output]
    let dropout: Double
    let site: Site

    func callAsFunction(
        input: Tensor,
        output: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        // Adapters compute in float32 whatever the frozen model computes in.
        let x = try context.dropout(input.converted(to: .float32), dropout, at: site, "vera")
        let change = try (x.linear(a) * inner).linear(b) * outer
        return try (output.converted(to: .float32) + change).converted(to: output.dtype)
    }

    func merged(into linear: Linear) throws(TorchError) -> (weight: Tensor, bias: Tensor?) {
        let (weight, bias) = try linear.unmerged()
        let rows = try b * outer.detached().reshaped(-1, 1)
        return (try weight + rows.matmul(a * inner.detached().reshaped(-1, 1)), bias)
    }
}

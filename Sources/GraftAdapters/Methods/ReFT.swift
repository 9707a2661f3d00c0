public import GraftLayers
internal import GraftTorch

/// Representation fine-tuning: a trained change, in a space of few dimensions, of a block's output
/// at the first and the last tokens of a row.
///
/// With `R` [r, hidden] the projection, `U`, `b` trained and `x` a token's hidden state:
///
/// | preset | new hidden state | `R` |
/// |---|---|---|
/// | `loreft` | `x + Rᵀ (act(U x + b) - R x)` | orthonormal rows |
/// | `noreft` | `x + Rᵀ (act(U x + b) - R x)` | any |
/// | `direft` | `x + Rᵀ act(U x + b)` | any |
///
/// An orthonormal `R` is a product of Householder reflections, in the form of torch's parametrisation
/// without trivialisation: `projection` holds their vectors. Whatever training and weight decay do
/// to them, the rows stay orthonormal. (In `adapters` weight decay moves the diagonal of that tensor
/// off ±1, which zeroes `R` after the first step.)
///
/// Unless `tied_weights`, first and last tokens have parameters of their own, `<block>.prefix` and
/// `<block>.suffix`, even where there are no positions for one of them, as in the reference; else
/// `<block>.tied`: `source.weight`, `source.bias`, `projection`. In rows shorter than both kinds of
/// positions together, the change at the row's end wins.
///
/// Reference: Wu et al., [ReFT](https://arxiv.org/abs/2404.03592), section 3; numerically `adapters`
/// 1.3.0 (`methods/reft.py`), except in rows shorter than `suffix_positions`, where that puts the
/// wrong states.
public struct ReFT: AdapterMethod, Hashable {
    public static let identifier = "reft"

    /// Blocks at whose output something changes; `nil` for all.
    public var layers: Set<Int>?
    /// How many of a row's first tokens change.
    public var prefixPositions = 3
    /// How many of a row's last tokens change.
    public var suffixPositions = 0
    /// The dimensions of the space.
    public var rank = 1
    /// Whether the projection's rows are orthonormal.
    public var isOrthogonal = true
    /// Whether first and last tokens share their parameters.
    public var tiesPositions = false
    /// Whether the projection of the old state is taken away.
    public var subtractsProjection = true
    /// Dropout on the new states.
    public var dropout = 0.05
    /// The function behind `U`, if there is one.
    public var activation: Activation?
    /// A seed for the start values instead of the run's.
    public var startSeed: UInt64?

    public static let presets: KeyValuePairs<String, ReFT> = [
        "loreft": ReFT(),
        "noreft": ReFT { $0.isOrthogonal = false },
        "direft": ReFT {
            $0.isOrthogonal = false
            $0.subtractsProjection = false
        },
    ]

    private init(_ change: (inout ReFT) -> Void = { _ in }) {
        change(&self)
    }

    public var defaultLearningRate: Double { 5e-3 }

    public func check(against sites: SiteMap) throws {
        try sites.check(layers: layers ?? [], field: "layers")
        guard let narrow = sites.block.first(where: { $0.size < rank }) else { return }
        throw ConfigurationError(
            field: "r",
            problem: "must be at most the hidden size (\(narrow.size)), found \(rank)"
        )
    }

    public func attach(
        to target: BlockSite,
        _ scope: ParameterScope
    ) throws -> (any BlockAdapter)? {
        guard let layer = target.site.layer, layers?.contains(layer) ?? true else { return nil }
        func unit(_ name: String) throws -> ReFTUnit {
            try ReFTUnit(self, size: target.size, scope / name)
        }
        if tiesPositions {
            let unit = try unit("tied")
            return ReFTAdapter(method: self, prefix: unit, suffix: unit)
        }
        return ReFTAdapter(method: self, prefix: try unit("prefix"), suffix: try unit("suffix"))
    }

    public static func combined(
        _ adapters: [TrainedAdapter<ReFT>],
        by arithmetic: WeightArithmetic
    ) throws -> CombinedAdapter {
        guard !adapters.contains(where: \.method.isOrthogonal) else {
            throw arithmetic.refusal(
                of: "LoReFT",
                "orthonormal rows have no mean that is orthonormal"
            )
        }
        return try mean(adapters, by: arithmetic)
    }
}

/// The change of one kind of positions.
struct ReFTUnit: Sendable {
    private let method: ReFT
    private let source: Linear  // [r, hidden]
    private let projection: Tensor  // [r, hidden]

    init(_ method: ReFT, size: Int, _ scope: ParameterScope) throws {
        self.method = method
        let uniform = Initializer.kaimingUniform(fanIn: size).seeded(method.startSeed)
        source = try Linear(
            size,
            method.rank,
            scope / "source",
            weightStart: uniform,
            biasStart: uniform
        )
        // Reflections along vectors of length near one turn the first axes in any direction.
        let reflections = Initializer.normal(deviation: 1 / Double(size).squareRoot())
            .seeded(method.startSeed)
        projection = try scope.parameter(
            "projection",
            shape: [method.rank, size],
            initial: method.isOrthogonal ? reflections : uniform
        )
    }

    // x: [tokens, hidden], float32
    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        let rows = method.isOrthogonal ? try projection.householderRows() : projection
        var change = try source(x)
        if let activation = method.activation { change = try activation(change) }
        if method.subtractsProjection { change = try change - x.linear(rows) }
        return try x + change.matmul(rows)
    }
}

/// Changes the first and the last tokens of every row.
struct ReFTAdapter: BlockAdapter {
    let method: ReFT
    let prefix: ReFTUnit
    let suffix: ReFTUnit

    func callAsFunction(
        _ hidden: Tensor,
        at site: Site,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        let layout = context.layout
        var (first, last): ([Int64], [Int64]) = ([], [])
        for row in 0..<layout.rowCount {
            let (start, end) = (layout.offsets[row], layout.offsets[row + 1])
            first += start..<min(start + Int64(method.prefixPositions), end)
            last += max(end - Int64(method.suffixPositions), start)..<end
        }
        // Each token is taken from the old states, or from the new ones behind them.
        var order = (0..<layout.tokenCount).map(Int64.init)
        var parts = [hidden]
        var start = layout.tokenCount
        for (positions, unit, place) in [
            (first, prefix, "prefix" as StaticString), (last, suffix, "suffix"),
        ] where !positions.isEmpty {
            for (index, token) in positions.enumerated() {
                order[Int(token)] = Int64(start + index)
            }
            start += positions.count
            let indices = try Tensor(positions)
            let x = try hidden.selecting(indices)
            var changed = try unit(x.converted(to: .float32))
            if method.dropout > 0, let seed = context.seed(at: site, place) {
                changed = try changed.dropout(
                    method.dropout,
                    seed: seed,
                    keys: layout.tokenKeys.selecting(indices)
                )
            }
            parts.append(try changed.converted(to: hidden.dtype))
        }
        return try Tensor.concatenated(parts).selecting(Tensor(order))
    }
}

extension ReFT {
    public var settingThatLooksAhead: String? { suffixPositions > 0 ? "suffix_positions" : nil }
}

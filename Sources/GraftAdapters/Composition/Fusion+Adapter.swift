internal import GraftLayers
internal import GraftTorch

/// One fusion at one site.
///
/// Reference: `adapters` 1.3.0, `methods/modeling.py`, `BertFusion`.
struct FusionAdapter: HiddenAdapter {
    private let fusion: Fusion
    private let members: [any FusableAdapter]
    private let last: any FusableAdapter
    private let query: Linear?
    private let key: Linear?
    private let value: Linear?

    init(
        _ fusion: Fusion,
        members: [any FusableAdapter],
        last: any FusableAdapter,
        size: Int,
        _ scope: ParameterScope
    ) throws {
        self.fusion = fusion
        self.members = members
        self.last = last
        func projection(_ name: String) throws -> Linear {
            try Linear(
                size,
                size,
                scope / name,
                weightStart: .normal(deviation: 0.02),
                biasStart: .zeros
            )
        }
        query = fusion.projectsQuery ? try projection("query") : nil
        key = fusion.projectsKey ? try projection("key") : nil
        let start =
            fusion.startsAsIdentity
            ? Initializer.copy(try FusionAdapter.nearIdentity(size)) : .normal(deviation: 0.02)
        value =
            fusion.projectsValue
            ? try Linear(size, size, bias: false, scope / "value", weightStart: start) : nil
    }

    /// 1 on the diagonal and 10⁻⁶ beside it, as the reference starts.
    private static func nearIdentity(_ size: Int) throws(TorchError) -> Tensor {
        var values = [Float](repeating: 1e-6, count: size * size)
        for index in 0..<size { values[index * size + index] = 1 }
        return try Tensor(values, shape: [size, size])
    }

    var isTokenwise: Bool { members.allSatisfy(\.isTokenwise) }
    var keepsBlockOutput: Bool { true }

    func callAsFunction(
        _ state: HiddenState,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        let (input, base) = try last.operands(state)
        let residual = try base.converted(to: .float32)
        var asked = try (fusion.queryBeforeNorm ? state.output : input).converted(to: .float32)
        if let query { asked = try query(asked) }
        let changes = try members.map { member throws(TorchError) in
            let change = try member.change(of: input, at: state.site, in: context)
            return fusion.addsResidualFirst ? try change + residual : change
        }
        let scores = try changes.map { change throws(TorchError) in
            try (asked * (key?(change) ?? change)).sum(along: 1, keepingDimension: true)
        }
        // [tokens, adapters]
        let weights = try context.dropout(
            Tensor.concatenated(scores, along: 1),
            fusion.dropout,
            at: state.site,
            "fusion"
        ).softmax(along: 1)
        context.observe?(state.site, weights)
        var mixed = try residual * (fusion.addsResidualFirst ? 0 : 1)
        var mean: Tensor?
        for (index, change) in changes.enumerated() {
            let share = try weights.narrowed(index..<index + 1, along: 1)
            let isEach = fusion.projectsBeforeMean
            let term = try (isEach ? value?(change) ?? change : change) * share
            mean = if let mean { try mean + term } else { term }
        }
        if var mean {
            if !fusion.projectsBeforeMean, let value { mean = try value(mean) }
            mixed = try mixed + mean
        }
        return try mixed.converted(to: state.output.dtype)
    }

    func penalty() throws(TorchError) -> Tensor? {
        guard fusion.isRegularized, let value else { return nil }
        let matrix = try value.weight.dense()
        let size = matrix.size(0)
        var identity = [Float](repeating: 0, count: size * size)
        for index in 0..<size { identity[index * size + index] = 1 }
        let difference =
            try matrix - Tensor(identity, shape: [size, size]).moved(to: matrix.device)
        return try difference.squared().sum() * 0.01
    }
}

extension SiteAdapters {
    /// What acts when adapters are fused.
    ///
    /// - Throws: `ConfigurationError` naming a site at which something acts that cannot be fused.
    static func fused(
        _ parts: [SiteAdapters],
        _ fusion: Fusion,
        sites: SiteMap,
        _ scope: ParameterScope
    ) throws -> SiteAdapters {
        var result = SiteAdapters()
        for target in sites.hidden {
            let acting = parts.compactMap { $0.hidden[target.site] }
            guard !acting.isEmpty else { continue }
            let members = acting.compactMap { $0 as? any FusableAdapter }.filter(\.canFuse)
            guard members.count == acting.count, let last = members.last else {
                throw unsupported(
                    "fuse",
                    target.site,
                    "only bottleneck adapters without a norm of their own can be fused"
                )
            }
            result.hidden[target.site] = try FusionAdapter(
                fusion,
                members: members,
                last: last,
                size: target.size,
                scope / target.site.path / "fusion"
            )
        }
        if let site = parts.flatMap({ $0.sites.subtracting(result.sites) }).map(\.path).min() {
            throw ConfigurationError(
                field: "composition",
                problem: "fuse: what acts at \(site) is no bottleneck adapter"
            )
        }
        return result
    }
}

internal import GraftLayers
internal import GraftTorch

/// One fusion at one site.
///
/// Reference: `adapters` 1.3.0, `methods/modeling.py`, `BertFusion`.
struct FusionAdapter: HiddenAdapter {
    private let fusion: Fusion
    private let members: [any FusableAdapter]
    private let last: any FusableAdapter
    /// Which of the fused parts each member is; not every part acts at every site.
    private let places: [Int]
    private let partCount: Int
    private let query: Linear?
    private let key: Linear?
    private let value: Linear?

    init(
        _ fusion: Fusion,
        members: [any FusableAdapter],
        last: any FusableAdapter,
        places: [Int],
        of partCount: Int,
        size: Int,
        _ scope: ParameterScope
    ) throws {
        self.fusion = fusion
        self.members = members
        self.last = last
        self.places = places
        self.partCount = partCount
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
        // The reference's identity has 10⁻⁶ beside the diagonal.
        let start =
            fusion.startsAsIdentity
            ? Initializer.copy(try Tensor(identity: size, beside: 1e-6)) : .normal(deviation: 0.02)
        value =
            fusion.projectsValue
            ? try Linear(size, size, bias: false, scope / "value", weightStart: start) : nil
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
        let changes = try members.enumerated().map { number, member throws(TorchError) in
            let own = context.member(number)
            let change = try member.change(of: input, at: state.site, in: own)
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
        if let observe = context.observe { observe(state.site, try spreadOut(weights)) }
        var mixed: Tensor?
        for (index, change) in changes.enumerated() {
            let share = try weights.narrowed(index..<index + 1, along: 1)
            let isEach = fusion.projectsBeforeMean
            let term = try (isEach ? value?(change) ?? change : change) * share
            mixed = if let mixed { try mixed + term } else { term }
        }
        guard var result = mixed else { return state.output }
        if !fusion.projectsBeforeMean, let value { result = try value(result) }
        if !fusion.addsResidualFirst { result = try residual + result }
        return try result.converted(to: state.output.dtype)
    }

    /// The weights with a column for every part, zero where one does not act: [tokens, parts].
    private func spreadOut(_ weights: Tensor) throws(TorchError) -> Tensor {
        guard places.count < partCount else { return weights }
        let none = try weights.narrowed(0..<1, along: 1) * 0
        return try Tensor.concatenated(
            (0..<partCount).map { part throws(TorchError) in
                guard let column = places.firstIndex(of: part) else { return none }
                return try weights.narrowed(column..<column + 1, along: 1)
            },
            along: 1
        )
    }

    func penalty() throws(TorchError) -> Tensor? {
        guard fusion.isRegularized, let value else { return nil }
        let matrix = try value.weight.dense()
        let identity = try Tensor(identity: matrix.size(0)).moved(to: matrix.device)
        let difference = try matrix - identity
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
                places: parts.indices.filter { parts[$0].hidden[target.site] != nil },
                of: parts.count,
                size: target.size,
                scope / target.site.path / "fusion"
            )
        }
        if let site = result.firstSite(missingFrom: parts) {
            throw ConfigurationError(
                field: "composition",
                problem: "fuse: what acts at \(site) is no bottleneck adapter"
                    + " (hint: LoRA, (IA)3, prefixes and prompts cannot be fused)"
            )
        }
        return result
    }
}

internal import GraftLayers
internal import GraftTorch

/// Where the keys and values of a prefix come from.
enum PrefixValues {
    /// They are parameters themselves.
    case flat
    /// They are computed from what a group of attentions shares.
    case computed(PrefixBottleneck)
}

/// What the attentions of a tower share: vectors and the MLP's first layer.
struct PrefixBottleneck: Sendable {
    private let embedding: Tensor  // [prefix, hidden]
    private let down: Linear  // [bottleneck, hidden]
    private let activation: Activation

    init(_ method: PrefixTuning, _ target: AttentionSite, _ scope: ParameterScope) throws {
        embedding = try scope.parameter(
            "embedding",
            shape: [method.length, target.hiddenSize],
            initial: method.seeded(.normal(deviation: 1))
        )
        let start = method.seeded(.kaimingUniform(fanIn: target.hiddenSize))
        down = try Linear(
            target.hiddenSize,
            method.bottleneckSize,
            scope / "down",
            weightStart: start,
            biasStart: start
        )
        activation = method.activation
    }

    /// What the attentions' own layers read: [prefix, bottleneck].
    ///
    /// Every attention computes it anew: the graphs of workers must share nothing but parameters.
    func callAsFunction() throws(TorchError) -> Tensor {
        try activation(down(embedding))
    }
}

/// The prefix of one attention.
///
/// Reference: `adapters` 1.3.0, `methods/prefix_tuning.py`, `PrefixTuningLayer`.
struct PrefixAdapter: AttentionAdapter {
    private enum Values {
        case flat(key: Tensor, value: Tensor)  // [prefix, key size]
        case computed(PrefixBottleneck, key: Linear, value: Linear)
    }

    private let method: PrefixTuning
    private let values: Values
    private let gate: Linear?  // [1 or 2, hidden]

    init(
        _ method: PrefixTuning,
        _ target: AttentionSite,
        _ values: PrefixValues,
        _ scope: ParameterScope
    ) throws {
        self.method = method
        switch values {
        case .flat:
            func flat(_ name: String) throws -> Tensor {
                let start = method.seeded(.normal(deviation: 1))
                return try scope.parameter(
                    name,
                    shape: [method.length, target.keySize],
                    initial: start
                )
            }
            self.values = .flat(key: try flat("key"), value: try flat("value"))
        case .computed(let bottleneck):
            func up(_ name: String) throws -> Linear {
                let start = method.seeded(.kaimingUniform(fanIn: method.bottleneckSize))
                return try Linear(
                    method.bottleneckSize,
                    target.keySize,
                    scope / name,
                    weightStart: start,
                    biasStart: start
                )
            }
            self.values = .computed(bottleneck, key: try up("key"), value: try up("value"))
        }
        gate =
            method.isGated
            ? try Linear(
                target.hiddenSize,
                method.sharesGate ? 1 : 2,
                scope / "gate",
                weightStart: method.seeded(.normal(deviation: 0.02)),
                biasStart: method.seeded(.kaimingUniform(fanIn: target.hiddenSize))
            ) : nil
    }

    // A gate averages over all tokens of a row.
    var isTokenwise: Bool { gate == nil }

    func callAsFunction(
        _ input: Tensor,
        at site: Site,
        in context: ForwardContext
    ) throws(TorchError) -> KeyPrefix {
        var (key, value) = try keyAndValue()
        let isDropped = method.dropout > 0 && context.dropoutSeed != nil
        guard isDropped || gate != nil else { return KeyPrefix(key: key, value: value) }

        // From here on every row has a prefix of its own.
        let rows = context.layout.rowCount
        var prefixes = context
        prefixes.layout = try RaggedLayout(
            lengths: Array(repeating: method.length, count: rows),
            keys: context.layout.rowKeys
        )
        .moved(to: input.device)
        let repeats = (0..<rows).flatMap { _ in (0..<method.length).map(Int64.init) }
        let order = try Tensor(repeats)
        key = try prefixes.dropout(key.selecting(order), method.dropout, at: site, "prefix key")
        value = try prefixes.dropout(
            value.selecting(order),
            method.dropout,
            at: site,
            "prefix value"
        )
        if let gate {
            let x = try input.converted(to: .float32)
            let means = try context.layout.rowMeans(gate(x).sigmoid())  // [rows, 1 or 2]
            let factors = try prefixes.layout.repeatedForTokens(means)
            let last = factors.size(1) - 1
            key = try key * factors.narrowed(0..<1, along: 1)
            value = try value * factors.narrowed(last..<last + 1, along: 1)
        }
        return KeyPrefix(key: key, value: value, offsets: prefixes.layout.offsets)
    }

    /// What stands in front of every row, before dropout and gates: [prefix, key size].
    private func keyAndValue() throws(TorchError) -> (key: Tensor, value: Tensor) {
        switch values {
        case .flat(let key, let value): return (key, value)
        case .computed(let bottleneck, let key, let value):
            let x = try bottleneck()
            return (try key(x), try value(x))
        }
    }
}

internal import GraftLayers

extension Bottleneck {
    /// How projections are composed of small factors (Compacter).
    ///
    /// A projection of [input, output] is a sum of `n` Kronecker products: `Σ rule[k] ⊗ weight[k]` with
    /// rules of [n, n] and weights of [input / n, output / n], these in turn products of rank
    /// `phm_rank`. Rules, and weights too, may be the same for all adapters: `shared.rule`,
    /// `shared.down.left`, `shared.up.right`, ...
    ///
    /// Reference: Mahabadi et al., [Compacter](https://arxiv.org/abs/2106.04647).
    public struct Hypercomplex: Sendable, Hashable {
        /// How rules start.
        public enum RuleStart: String, Sendable, Hashable, Codable, CaseIterable {
            case normal, uniform
        }

        /// How weights start.
        public enum WeightStart: String, Sendable, Hashable, Codable, CaseIterable {
            /// U(±√(6 / (rows + columns))). The reference draws from the normal distribution of the
            /// same deviation whatever is asked for.
            case glorotUniform = "glorot-uniform"
            /// N(0, 2 / (rows + columns))
            case glorotNormal = "glorot-normal"
            /// N(0, `phm_init_range`²)
            case normal
        }

        /// Whether projections are composed at all.
        public var isUsed = false
        /// The number of products, and the size of a rule.
        public var dimension = 4
        /// Whether weights are products of two factors.
        public var factorsWeights = true
        /// Whether all adapters have the same weights.
        public var sharesWeights = false
        /// Whether all adapters have the same rules.
        public var sharesRules = true
        /// Whether rules are products of two vectors.
        public var factorsRules = false
        /// How rules start.
        public var ruleStart = RuleStart.normal
        /// The deviation of shared rules at the start, and of ``WeightStart/normal`` weights.
        public var startRange = 1e-4
        /// Whether rules are trained.
        public var trainsRules = true
        /// How weights start.
        public var weightStart = WeightStart.glorotUniform
        /// The rank of weights that are products.
        public var rank = 1
        /// Whether projections have a bias.
        public var hasBias = true
    }

    /// Adapters' inputs and outputs at the embeddings, which a language-model head undoes (MAD-X).
    public enum Invertible: String, Sendable, Hashable, Codable, CaseIterable {
        /// Halves that are added to each other.
        case nice
        /// Halves that scale each other too.
        case glow
    }
}

extension Bottleneck.Hypercomplex {
    /// How a weight of [rows, columns] starts.
    func start(rows: Int, columns: Int) -> Initializer {
        let sum = Double(rows + columns)
        return switch weightStart {
        case .glorotUniform: .uniform(bound: (6 / sum).squareRoot())
        case .glorotNormal: .normal(deviation: (2 / sum).squareRoot())
        case .normal: .normal(deviation: startRange)
        }
    }

    /// How a rule starts: shared ones as configured, an adapter's own ones close to zero.
    func ruleStart(isShared: Bool) -> Initializer {
        switch ruleStart {
        case .normal: .normal(deviation: isShared ? startRange : 0.01)
        case .uniform: .uniform(bound: isShared ? 1 : 0.01)
        }
    }
}

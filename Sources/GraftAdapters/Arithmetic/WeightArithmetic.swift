public import GraftLayers

/// A way of making one adapter of the weights of several.
///
/// | operation | result |
/// |---|---|
/// | `linear` | the sum, weighted; by default the mean |
/// | `add`, `subtract` | the sum; the first less the others |
/// | `scale` | one adapter, weighted; -1 negates it |
/// | `svd` | `linear`, then the nearest update of a rank |
/// | `ties` | of each change its largest elements; where signs differ, those of the stronger sign; their mean |
/// | `dare` | of each change a random part, scaled up to the same mean; the sum |
/// | `dare_ties` | as `dare`, then signs and means as in `ties` |
///
/// What is added up are *changes*: what a trained adapter adds to the frozen model, where its
/// parameters say that alone. Which methods have such changes is theirs to say
/// (`AdapterMethod.combined(_:by:)`):
///
/// - LoRA adds up its updates `s · B A`, not the factors. Sums are exact, in factors side by side;
///   what is sparse, or gets a rank, is the nearest update of that rank. `peft` 0.21.2 computes the
///   same as `cat`, `svd`, `ties_svd`, `dare_linear_svd` and `dare_ties_svd` of its
///   `add_weighted_adapter`, unless the first is rsLoRA: its result is then scaled by the root of the
///   rank once more. Its `linear`, `ties` and `dare_linear` combine factors, and what those then
///   multiply to is none of these.
/// - (IA)³ adds up what its scales differ from 1 by.
/// - Any other method has a mean alone, `linear` with weights that sum to 1: of each parameter, as
///   `average_adapter` of `adapters` 1.3.0 with the strategy `linear`. It is a point between the
///   adapters, and not the mean of what they compute.
///
/// References: Ilharco et al., [Task Arithmetic](https://arxiv.org/abs/2212.04089); Yadav et al.,
/// [TIES-Merging](https://arxiv.org/abs/2306.01708); Yu et al.,
/// [DARE](https://arxiv.org/abs/2311.03099).
public struct WeightArithmetic: Sendable, Hashable {
    /// What is done.
    public enum Operation: String, Sendable, Hashable, CaseIterable {
        case linear, add, subtract, scale, svd, ties, dare
        case dareTies = "dare_ties"

        /// Whether elements of changes are left out.
        public var isSparse: Bool { self == .ties || isRandom }
        /// Whether these are random ones.
        public var isRandom: Bool { self == .dare || self == .dareTies }
        /// Whether changes of the weaker sign are left out of a mean.
        public var electsSigns: Bool { self == .ties || self == .dareTies }
        /// Whether it is the user who weights.
        var takesWeights: Bool { self != .add && self != .subtract }
    }

    /// How the stronger sign of an element is found.
    public enum SignElection: String, Sendable, Hashable, CaseIterable {
        /// By the sum of the changes.
        case total
        /// By the number of changes.
        case frequency
    }

    /// What is done.
    public let operation: Operation
    /// What each change is multiplied with, in the order of the adapters.
    public let weights: [Double]
    /// The rank of the result, where it has one; by default the sum of the ranks.
    public let rank: Int?
    /// The share of each change's elements that is left.
    public let density: Double
    /// How signs are elected.
    public let election: SignElection
    /// What elements are drawn by.
    public let seed: UInt64

    /// Plans the arithmetic of a number of adapters.
    ///
    /// - Parameters:
    ///   - operation: What is done.
    ///   - count: The number of adapters.
    ///   - weights: A weight for each; by default that of the mean for `linear` and `svd`, and 1 for those
    ///     which are sparse.
    ///   - rank: The rank of the result; `svd` needs one.
    ///   - density: The share of elements that is left, where the operation is sparse.
    ///   - election: How `ties` and `dare_ties` elect signs.
    ///   - seed: What `dare` draws by.
    /// - Throws: `ConfigurationError` naming what is missing or does not go with the operation.
    public init(
        _ operation: Operation,
        count: Int,
        weights: [Double]? = nil,
        rank: Int? = nil,
        density: Double? = nil,
        election: SignElection = .total,
        seed: UInt64 = 0
    ) throws(ConfigurationError) {
        func refuse(_ field: String, _ problem: String) -> ConfigurationError {
            ConfigurationError(field: field, problem: problem)
        }
        let name = operation.rawValue
        guard operation == .scale ? count == 1 : count > 1 else {
            let expected = operation == .scale ? "takes one adapter" : "needs two adapters or more"
            throw refuse("operation", "'\(name)' \(expected), found \(count)")
        }
        if let weights {
            guard operation.takesWeights else {
                throw refuse("weights", "'\(name)' has none (hint: linear)")
            }
            guard weights.allSatisfy(\.isFinite) else {
                throw refuse("weights", "must be finite")
            }
            guard weights.count == count else {
                throw refuse(
                    "weights",
                    "expected \(count), one for each adapter, found \(weights.count)"
                )
            }
        } else if operation == .scale {
            throw refuse("weights", "'scale' needs a factor (hint: -1 negates)")
        }
        guard rank != nil || operation != .svd else {
            throw refuse("rank", "'svd' needs the rank of the result")
        }
        if let rank, rank < 1 { throw refuse("rank", "must be positive, found \(rank)") }
        guard (density != nil) == operation.isSparse else {
            throw refuse(
                "density",
                operation.isSparse
                    ? "'\(name)' needs the share of elements that is left, such as 0.5"
                    : "is for ties, dare and dare_ties alone"
            )
        }
        if let density, !(density > 0 && density <= 1) {
            throw refuse("density", "must be above 0 and at most 1, found \(density)")
        }
        self.operation = operation
        self.rank = rank
        self.density = density ?? 1
        self.election = election
        self.seed = seed
        let ones = [Double](repeating: 1, count: count)
        self.weights =
            switch operation {
            case .subtract: [1] + ones.dropFirst().map { -$0 }
            case .linear, .svd: weights ?? ones.map { $0 / Double(count) }
            default: weights ?? ones
            }
    }
}

extension WeightArithmetic {
    /// As reports name it: `linear[weights=[0.7,0.3]](a,b)`.
    ///
    /// - Parameter names: The names of the adapters.
    /// - Returns: The operation with its settings.
    public func description(of names: [String]) -> String {
        var settings: [String] = []
        if operation.takesWeights {
            settings.append("weights=[\(weights.map { "\($0)" }.joined(separator: ","))]")
        }
        if let rank { settings.append("rank=\(rank)") }
        if operation.isSparse { settings.append("density=\(density)") }
        if operation.electsSigns, election != .total { settings.append("sign=\(election)") }
        if operation.isRandom { settings.append("seed=\(seed)") }
        let bracketed = settings.isEmpty ? "" : "[\(settings.joined(separator: ","))]"
        return operation.rawValue + bracketed + "(\(names.joined(separator: ",")))"
    }
}

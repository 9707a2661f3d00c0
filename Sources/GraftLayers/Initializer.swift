internal import Foundation
public import GraftTorch

/// How a new parameter starts.
public indirect enum Initializer: Sendable {
    /// There is no start value: the parameter must be stored somewhere.
    case stored
    case constant(Double)
    /// N(mean, deviation²)
    case normal(mean: Double = 0, deviation: Double)
    /// N(0, deviation²) limited to ±bound
    case truncatedNormal(deviation: Double, bound: Double)
    /// U(-bound, bound)
    case uniform(bound: Double)
    /// The values of another tensor, such as those of a frozen parameter that is to be trained.
    case copy(Tensor)
    /// Another start, drawn with this seed instead of the run's.
    case seeded(UInt64, Initializer)

    /// The seed that replaces the run's, if one was asked for.
    var seed: UInt64? {
        if case .seeded(let seed, _) = self { seed } else { nil }
    }

    /// This start with a seed of its own, if there is one.
    public func seeded(_ seed: UInt64?) -> Initializer {
        seed.map { .seeded($0, self) } ?? self
    }

    /// All zeros.
    public static var zeros: Initializer { .constant(0) }
    /// All ones.
    public static var ones: Initializer { .constant(1) }

    /// Kaiming's uniform start with slope √5, torch's default for linear layers: U(±1/√fanIn).
    public static func kaimingUniform(fanIn: Int) -> Initializer {
        .uniform(bound: 1 / Double(max(fanIn, 1)).squareRoot())
    }

    /// Computes the start value: float32 of the given shape.
    ///
    /// - Throws: `TorchError`, of kind `invalidArgument` for ``stored``.
    public func value(
        shape: [Int],
        using generator: borrowing Generator
    ) throws(TorchError) -> Tensor {
        switch self {
        case .stored:
            throw TorchError(
                kind: .invalidArgument,
                operation: "initial value",
                message: "this parameter has no start value"
            )
        case .constant(let value):
            return try Tensor(repeating: value, shape: shape)
        case .normal(let mean, let deviation):
            return try generator.normal(shape, mean: mean, deviation: deviation)
        case .truncatedNormal(let deviation, let bound):
            // By inversion: x = σ √2 erf⁻¹(u) with u uniform over the part of (-1, 1) inside the
            // bound, as torch does.
            let edge = erf(bound / deviation / 2.0.squareRoot())
            let uniform = try generator.uniform(shape, in: -edge..<edge)
            let normal = try uniform.inverseErrorFunction() * (deviation * 2.0.squareRoot())
            return try normal.clamped(to: -bound...bound)
        case .uniform(let bound):
            return try generator.uniform(shape, in: -bound..<bound)
        case .copy(let source):
            return try source.detached().converted(to: .float32)
        case .seeded(_, let start):
            return try start.value(shape: shape, using: generator)
        }
    }
}

internal import Foundation
public import GraftLayers

/// How adapters that have names act together.
///
/// | written | means |
/// |---|---|
/// | `a` | one adapter |
/// | `stack(a,b)` | `b` gets what `a` makes of a site's output |
/// | `average(a,b)`, `average[weights=[3,1]](a,b)` | the weighted mean of their outputs |
/// | `split[lengths=[4]](a,b)` | `a` for a row's first four tokens, `b` for the rest (prompts included) |
/// | `fuse(a,b,c)` | AdapterFusion: an attention over their outputs at every token |
///
/// Reference: `adapters` 1.3.0, `composition.py`; unlike there, `average` is the weighted mean (there
/// the sum is divided by the count once more), and a stack of LoRA adapters is their sum.
public indirect enum Composition: Sendable, Hashable {
    /// One adapter.
    case single(String)
    /// One behind the other.
    case stack([Composition])
    /// The weighted mean; the weights sum to 1.
    case average([Composition], weights: [Double])
    /// Ranges of each row's tokens: lengths of all but the last, which takes the rest.
    case split([Composition], lengths: [Int])
    /// An attention over what they make of the same hidden states.
    case fuse([Composition])

    /// The names of the adapters, each once, in the order of their first use.
    public var names: [String] {
        switch self {
        case .single(let name): [name]
        case .stack(let parts), .average(let parts, _), .split(let parts, _), .fuse(let parts):
            parts.flatMap(\.names).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        }
    }

    /// What its AdapterFusion fuses, or `nil` if it has none.
    public var fused: [Composition]? {
        switch self {
        case .single: nil
        case .fuse(let parts): parts
        case .stack(let parts), .average(let parts, _), .split(let parts, _):
            parts.lazy.compactMap(\.fused).first
        }
    }

    /// How many AdapterFusions it has.
    public var fusionCount: Int {
        switch self {
        case .single: 0
        case .fuse(let parts): parts.reduce(1) { $0 + $1.fusionCount }
        case .stack(let parts), .average(let parts, _), .split(let parts, _):
            parts.reduce(0) { $0 + $1.fusionCount }
        }
    }
}

extension Composition: CustomStringConvertible {
    /// As it is written.
    public var description: String {
        func listed(_ parts: [Composition]) -> String {
            "(" + parts.map(\.description).joined(separator: ",") + ")"
        }
        return switch self {
        case .single(let name): name
        case .stack(let parts): "stack" + listed(parts)
        case .fuse(let parts): "fuse" + listed(parts)
        case .average(let parts, let weights):
            "average[weights=[\(weights.map { "\($0)" }.joined(separator: ","))]]" + listed(parts)
        case .split(let parts, let lengths):
            "split[lengths=[\(lengths.map(String.init).joined(separator: ","))]]" + listed(parts)
        }
    }
}

extension Composition: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Composition {
    /// Reads a composition as users write it.
    ///
    /// - Throws: `ConfigurationError` naming what cannot be read.
    public init(_ text: String) throws(ConfigurationError) {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard let open = text.firstIndex(of: "(") else {
            let isName = text.allSatisfy { $0.isLetter || $0.isNumber || "_-.+/=~@ ".contains($0) }
            guard isName, !text.isEmpty else {
                throw Composition.error("'\(text)' is not a name of an adapter")
            }
            self = .single(text)
            return
        }
        guard text.last == ")" else {
            throw Composition.error("'\(text)' has no closing parenthesis")
        }
        let operation = try MethodExpression(
            text[..<open].trimmingCharacters(in: .whitespacesAndNewlines)
        )
        let inner = text[text.index(after: open)..<text.index(before: text.endIndex)]
        let parts = try MethodExpression.pieces(of: inner, separator: ",")
            .map { part throws(ConfigurationError) in try Composition(String(part)) }
        guard parts.count > 1 else {
            throw Composition.error("'\(operation.name)' needs two adapters or more")
        }
        try self.init(operation, parts)
    }

    private init(
        _ operation: MethodExpression,
        _ parts: [Composition]
    ) throws(ConfigurationError) {
        var settings = Dictionary(uniqueKeysWithValues: operation.settings)
        switch operation.name {
        case "stack": self = .stack(parts)
        case "fuse": self = .fuse(parts)
        case "average":
            let found = settings.removeValue(forKey: "weights")
            let given = found as? [Double] ?? (found as? [Int])?.map(Double.init)
            let weights = given ?? [Double](repeating: 1, count: parts.count)
            let sum = weights.reduce(0, +)
            guard found == nil || given != nil, weights.count == parts.count, sum != 0 else {
                throw Composition.error(
                    "weights: expected \(parts.count) numbers whose sum is not 0"
                )
            }
            // Weights that sum to 1 stay as they are, so that what is written is read back.
            let isNormal = abs(sum - 1) < 1e-12
            self = .average(parts, weights: isNormal ? weights : weights.map { $0 / sum })
        case "split":
            guard let lengths = settings.removeValue(forKey: "lengths") as? [Int],
                lengths.count == parts.count - 1, lengths.allSatisfy({ $0 > 0 })
            else {
                throw Composition.error(
                    "lengths: expected \(parts.count - 1) positive whole numbers;"
                        + " the last adapter takes the rest (hint: split[lengths=[8]](a,b))"
                )
            }
            self = .split(parts, lengths: lengths)
        default:
            throw Composition.error(
                "unknown '\(operation.name)' (known: stack, average, split, fuse)"
            )
        }
        if let unknown = settings.keys.min() {
            throw Composition.error("'\(unknown)' is not a setting of \(operation.name)")
        }
    }

    private static func error(_ problem: String) -> ConfigurationError {
        ConfigurationError(field: "composition", problem: problem)
    }
}

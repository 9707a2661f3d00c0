public import GraftAdapters
internal import GraftLayers
internal import GraftTorch

extension AdapterBundle {
    /// Makes one adapter of the weights of several.
    ///
    /// - Parameters:
    ///   - adapters: On one frozen model, of one method.
    ///   - arithmetic: What is done to them.
    ///   - head: The name of the adapter whose head answers; `nil` if all have the same.
    ///   - allowsBaseMismatch: Whether they may be of different models of the same shape. The result is one
    ///     of the model of the adapter whose head it has.
    /// - Returns: The new adapter, and the share of the combined changes that it holds: 1 but where a rank
    ///   limits it.
    /// - Throws: `ConfigurationError` naming an adapter of another model or method, or heads that differ;
    ///   `ParameterError` naming a tensor that does not fit.
    public static func combining(
        _ adapters: [(name: String, bundle: AdapterBundle)],
        by arithmetic: WeightArithmetic,
        head: String? = nil,
        allowsBaseMismatch: Bool = false
    ) throws -> (bundle: AdapterBundle, kept: Double) {
        let first = adapters[0]
        for other in adapters.dropFirst() {
            guard let reason = other.bundle.base.mismatch(with: first.bundle.base) else { continue }
            let isShapedAlike = other.bundle.base.isShaped(like: first.bundle.base)
            if allowsBaseMismatch, isShapedAlike { continue }
            let hint =
                isShapedAlike ? " (hint: --allow-base-mismatch combines them all the same)" : ""
            throw ConfigurationError(
                field: "adapters",
                problem: "'\(other.name)' does not go with '\(first.name)': \(reason)\(hint)"
            )
        }
        let combined = try arithmetic(
            adapters.map { name, bundle in
                (name, bundle.method, bundle.tensors.filter { $0.key.hasPrefix("adapter.") })
            }
        )
        // What cannot be combined at all is said before which head the result would have.
        let owner = try answering(adapters, head: head)
        var bundle = owner
        bundle.method = combined.method
        bundle.methodName = arithmetic.description(of: adapters.map(\.name))
        bundle.provenance = ["operation": bundle.methodName]
        bundle.tensors = owner.headTensors.merging(combined.parameters) { $1 }
        return (bundle, combined.kept)
    }

    /// The adapter whose head the result has.
    private static func answering(
        _ adapters: [(name: String, bundle: AdapterBundle)],
        head: String?
    ) throws -> AdapterBundle {
        let names = adapters.map(\.name)
        if let head {
            guard let owner = adapters.first(where: { $0.name == head }) else {
                throw ConfigurationError(
                    field: "head",
                    problem: "'\(head)' is not one of \(names.joined(separator: ", "))"
                )
            }
            return owner.bundle
        }
        let first = adapters[0]
        for other in adapters.dropFirst() {
            guard let difference = try other.bundle.headDifference(from: first.bundle) else {
                continue
            }
            throw ConfigurationError(
                field: "head",
                problem: "'\(other.name)' and '\(first.name)' differ in \(difference)"
                    + " (hint: --head \(first.name) keeps that one's)"
            )
        }
        return first.bundle
    }

    private var headTensors: [String: Tensor] { tensors.filter { $0.key.hasPrefix("head.") } }

    /// What tells its head from another's, or `nil` if nothing does.
    package func headDifference(from other: AdapterBundle) throws -> String? {
        guard head == other.head, labels == other.labels else { return "what their heads predict" }
        let (own, others) = (headTensors, other.headTensors)
        for name in Set(own.keys).union(others.keys).sorted() {
            guard let a = own[name], let b = others[name], try a.isEqual(to: b) else { return name }
        }
        return nil
    }
}

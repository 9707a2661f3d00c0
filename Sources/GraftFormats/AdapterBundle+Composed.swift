public import GraftAdapters
package import GraftLayers
internal import GraftModels
public import GraftTorch

extension Composed {
    /// Composes trained adapters, which stay as they are.
    ///
    /// - Parameters:
    ///   - composition: How they act together.
    ///   - members: An adapter for every name in it.
    ///   - fusion: The settings of a `fuse` in it.
    /// - Returns: The method, and the parameters of its members by the names that it gives them.
    /// - Throws: `ConfigurationError` naming an adapter that is missing, cannot be composed or belongs
    ///   to another model than the first.
    public static func composing(
        _ composition: Composition,
        of members: [String: AdapterBundle],
        fusion: Fusion = Fusion()
    ) throws -> (method: Composed, parameters: [String: Tensor]) {
        let method = try Composed(
            composition,
            of: members.mapValues(\.method),
            fusion: fusion
        )
        var parameters: [String: Tensor] = [:]
        var first: (name: String, base: BaseIdentity)?
        for (name, _) in method.members {
            guard let bundle = members[name] else { continue }
            if let first, let reason = bundle.base.mismatch(with: first.base) {
                throw ConfigurationError(
                    field: "composition",
                    problem: "'\(name)' does not go with '\(first.name)': \(reason)"
                )
            }
            first = first ?? (name, bundle.base)
            parameters.merge(method.parameters(bundle.tensors, of: name)) { $1 }
        }
        return (method, parameters)
    }
}

extension AdapterBundle {
    /// The refusal of an adapter of pairs where a head reads the tower over images alone.
    package static func bothTowers(_ name: String) -> ConfigurationError {
        ConfigurationError(
            field: "composition",
            problem: "'\(name)' acts in both towers of a CLIP model, and a head reads one"
                + " (hint: graft merge makes a model of it, which other adapters act on)"
        )
    }

    /// Composes trained adapters into one that answers with the head of one of them.
    ///
    /// - Parameters:
    ///   - composition: How they act together; a fusion has parameters of its own and is trained first.
    ///   - members: An adapter for every name in it.
    ///   - head: The name of the adapter whose head answers.
    /// - Throws: `ConfigurationError` as `Composed` does of what cannot be composed, or naming
    ///   what has no head.
    public init(
        composing composition: Composition,
        of members: [String: AdapterBundle],
        head: String
    ) throws {
        guard composition.fused == nil else {
            throw ConfigurationError(
                field: "composition",
                problem: "'\(composition)' has parameters of its own (hint: graft fuse trains them)"
            )
        }
        guard composition.names.contains(head), let owner = members[head] else {
            throw ConfigurationError(
                field: "head",
                problem: "'\(head)' is not one of \(composition.names.joined(separator: ", "))"
            )
        }
        for name in composition.names where owner.head.kind != .imageText {
            if members[name]?.head.kind == .imageText { throw AdapterBundle.bothTowers(name) }
        }
        let (method, parameters) = try Composed.composing(composition, of: members)
        self = owner
        self.method = method
        methodName = composition.description
        provenance = ["head": head]
        tensors = owner.tensors.filter { $0.key.hasPrefix("head.") }
            .merging(parameters) { $1 }
    }
}

internal import GraftAdapters
internal import GraftFormats
internal import GraftModels
internal import GraftTorch
internal import GraftTraining

/// The trained adapters in a method that composes any: they stay as they are.
struct FrozenMembers {
    /// Their parameters, by the names that the method gives them.
    var parameters: [String: Tensor] = [:]
    /// What tells them from others.
    var hashes: [String] = []

    /// The hash of an adapter's parameters.
    static func hash(ofAdapterAt path: String) throws -> String {
        try ContentHash(ofFile: path + "/adapter.safetensors").hexadecimal
    }
}

/// A trained adapter on which another is trained (`train --on`).
struct LowerAdapter {
    let path: String

    /// The adapter with a method above it; of `head`, the adapter alone.
    ///
    /// - Parameters:
    ///   - method: What is trained.
    ///   - kind: What is learned.
    ///   - base: The model, which the adapter must fit.
    ///   - allowsBaseMismatch: Whether an adapter of another model of the same shape may act.
    /// - Returns: The method of both, and the adapter that it keeps.
    /// - Throws: An error naming the adapter's folder, or what cannot act on it.
    func topped(
        with method: any AdapterMethod,
        for kind: HeadKind,
        on base: BaseModel,
        allowsBaseMismatch: Bool
    ) throws -> (method: Composed, members: FrozenMembers) {
        let bundle = try AdapterOptions.bundle(
            path,
            on: base,
            allowsBaseMismatch: allowsBaseMismatch
        )
        if bundle.head.kind == .imageText, kind != .imageText {
            throw AdapterBundle.bothTowers(path)
        }
        let isAlone = method is HeadOnly
        let both = try Composed(
            isAlone ? .single("lower") : .stack([.single("lower"), .single("upper")]),
            of: isAlone ? ["lower": bundle.method] : ["lower": bundle.method, "upper": method]
        )
        let members = FrozenMembers(
            parameters: both.parameters(bundle.tensors, of: "lower"),
            hashes: [try FrozenMembers.hash(ofAdapterAt: path)]
        )
        return (both, members)
    }
}

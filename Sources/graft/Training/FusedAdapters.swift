internal import ArgumentParser
internal import GraftAdapters
internal import GraftFormats
internal import GraftTraining

/// Trained adapters with the names that they have in a fusion.
struct FusedAdapters {
    private let members: [(name: String, path: String)]

    /// Reads the value of `--adapters`.
    ///
    /// - Throws: `ValidationError` if there are fewer than two; what ``NamedAdapters`` throws.
    init(_ text: String) throws {
        guard text.commaSeparated.count > 1 else {
            throw ValidationError("--adapters: a fusion needs two or more, with commas between")
        }
        members = try NamedAdapters(text).members
    }

    /// The fusion of all, whose own parameters are still to be trained.
    ///
    /// - Parameters:
    ///   - fusion: Its settings.
    ///   - base: The model, which every adapter must fit.
    ///   - allowsBaseMismatch: Whether adapters of another model of the same shape may be fused.
    /// - Returns: The method, and the adapters that it keeps.
    /// - Throws: An error naming the folder of an adapter that does not fit.
    func fused(
        _ fusion: Fusion,
        on base: BaseModel,
        allowsBaseMismatch: Bool
    ) throws -> (method: Composed, members: FrozenMembers) {
        var bundles: [String: AdapterBundle] = [:]
        for (name, path) in members {
            bundles[name] = try AdapterOptions.bundle(
                path,
                on: base,
                allowsBaseMismatch: allowsBaseMismatch
            )
        }
        let (method, parameters) = try Composed.composing(
            .fuse(members.map { .single($0.name) }),
            of: bundles,
            fusion: fusion
        )
        let hashes = try members.map { try FrozenMembers.hash(ofAdapterAt: $0.path) }
        return (method, FrozenMembers(parameters: parameters, hashes: hashes))
    }
}

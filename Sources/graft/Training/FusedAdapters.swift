internal import ArgumentParser
internal import Foundation
internal import GraftAdapters
internal import GraftFormats
internal import GraftTraining

/// Trained adapters with the names that they have in a fusion.
struct FusedAdapters {
    private let members: [(name: String, path: String)]

    /// Reads the value of `--adapters`.
    ///
    /// - Throws: `ValidationError` if there are fewer than two or two have one name; an error naming a folder that is
    ///   no adapter.
    init(_ text: String) throws {
        let parts = TaskOptions.list(text).map(FusedAdapters.named)
        guard parts.count > 1 else {
            throw ValidationError("--adapters: a fusion needs two or more, with commas between")
        }
        let names = FusedAdapters.names(of: parts.map(\.path))
        members = zip(parts, names).map { part, name in (part.name ?? name, part.path) }
        let repeated = Dictionary(grouping: members, by: \.name).first { $0.value.count > 1 }
        if let repeated {
            throw ValidationError("--adapters: two of them are called '\(repeated.key)'")
        }
        for member in members { _ = try AdapterOptions.bundle(member.path) }
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

    /// Takes a name before `=` off, unless the whole is a folder.
    private static func named(_ text: String) -> (name: String?, path: String) {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, !parts[0].contains("/"),
            !FileManager.default.fileExists(atPath: text)
        else { return (nil, text) }
        return (parts[0], parts[1])
    }

    /// The shortest ends of the paths that tell them apart: `sst2`, or `sst2/0`.
    private static func names(of paths: [String]) -> [String] {
        let parts = paths.map { path in
            URL(filePath: path).standardizedFileURL.pathComponents.map { part in
                String(part.map { $0.isLetter || $0.isNumber || "_-.+=".contains($0) ? $0 : "-" })
            }
        }
        let longest = parts.map(\.count).max() ?? 1
        let names = (1...longest).lazy.map { count in
            parts.map { $0.suffix(count).joined(separator: "/") }
        }
        return names.first { Set($0).count == $0.count } ?? paths
    }
}

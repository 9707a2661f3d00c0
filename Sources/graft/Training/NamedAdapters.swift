internal import ArgumentParser
internal import Foundation
internal import GraftFormats

/// Adapters' folders with names: the value of an option `--adapters`.
struct NamedAdapters {
    /// The adapters in their order.
    let members: [(name: String, path: String)]

    /// Reads `runs/a,b=runs/b/0`: each has the name before its `=`, or the end of its path.
    ///
    /// - Throws: `ValidationError` if two have one name; an error naming a folder that is no adapter.
    init(_ text: String) throws {
        let parts = text.commaSeparated.map(NamedAdapters.named)
        let names = NamedAdapters.names(of: parts.map(\.path))
        members = zip(parts, names).map { part, name in (part.name ?? name, part.path) }
        let repeated = Dictionary(grouping: members, by: \.name).first { $0.value.count > 1 }
        if let repeated {
            throw ValidationError("--adapters: two of them are called '\(repeated.key)'")
        }
        for member in members { _ = try AdapterOptions.bundle(member.path) }
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

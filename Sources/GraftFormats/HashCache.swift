internal import Foundation

/// Hashes of files that were computed before, kept in a folder so that a large model is read once.
///
/// An entry holds for exactly one state of the files: their resolved paths, sizes, times of last
/// change in nanoseconds and inode numbers. A file that changed in the last seconds is not entered,
/// because a second change within one tick of the file system's clock would go unnoticed. The cache
/// never makes anything fail: an entry that is missing, damaged or cannot be written means only
/// that the files are read again.
public struct HashCache: Sendable {
    /// The folder of the entries.
    public let folder: String

    /// How long a file must have been unchanged before its hash is entered, in seconds.
    private static let settlingTime = 2.0

    /// Creates a cache; the folder is made when the first entry is written.
    ///
    /// - Parameter folder: The folder of the entries.
    public init(folder: String) {
        self.folder = folder
    }

    /// The cache of this user: `$GRAFT_CACHE/hashes`, or `graft/hashes` in the user's cache folder
    /// (`$XDG_CACHE_HOME`, else `~/.cache`).
    public static var standard: HashCache {
        let environment = ProcessInfo.processInfo.environment
        func folder(_ variable: String) -> String? {
            environment[variable].flatMap { $0.isEmpty ? nil : $0 }
        }
        let caches = folder("XDG_CACHE_HOME") ?? NSHomeDirectory() + "/.cache"
        return HashCache(folder: (folder("GRAFT_CACHE") ?? caches + "/graft") + "/hashes")
    }

    /// Returns the hash of `files` from the cache, or computes it and enters it.
    static func value(
        _ cache: HashCache?,
        kind: String,
        of files: [MappedFile],
        compute: () -> ContentHash
    ) -> ContentHash {
        guard let cache else { return compute() }
        let key = key(kind, files)
        if let known = cache.entry(key) { return known }
        let hash = compute()
        let newest = files.map(\.identity.modifiedNanoseconds).max() ?? 0
        let age = Date().timeIntervalSince1970 - Double(newest) / 1e9
        // Somebody may have written to the files while they were read.
        if age > settlingTime, unchanged(files) { cache.enter(hash, for: key) }
        return hash
    }

    private func entry(_ key: String) -> ContentHash? {
        guard let text = try? String(contentsOfFile: path(key), encoding: .utf8) else { return nil }
        guard text.hasPrefix(key) else { return nil }
        return ContentHash(hexadecimal: String(text.dropFirst(key.count)))
    }

    private func enter(_ hash: ContentHash, for key: String) {
        try? FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        try? Data((key + hash.hexadecimal).utf8)
            .write(to: URL(filePath: path(key)), options: .atomic)
    }

    private func path(_ key: String) -> String {
        "\(folder)/\(ContentHash(of: key.utf8).hexadecimal)"
    }

    /// Returns the state of the files as text.
    private static func key(_ kind: String, _ files: [MappedFile]) -> String {
        var lines = [kind]
        for file in files {
            let path = URL(filePath: file.path).resolvingSymlinksInPath().path
            let state = file.identity
            lines.append("\(state.inode) \(state.byteCount) \(state.modifiedNanoseconds) \(path)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func unchanged(_ files: [MappedFile]) -> Bool {
        files.allSatisfy { file in (try? MappedFile(path: file.path))?.identity == file.identity }
    }
}

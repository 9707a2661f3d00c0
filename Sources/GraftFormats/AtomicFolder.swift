internal import Foundation
internal import Glibc
internal import Synchronization

/// An output folder that appears complete, or not at all.
///
/// The caller writes into a hidden folder beside the destination. ``commit()`` flushes every file
/// and gives the folder its name. If this value goes out of scope before that, because the caller
/// threw or the disk is full, the hidden folder is removed and whatever stood at the destination
/// stays.
///
/// ```swift
/// let output = try AtomicFolder(at: "out/adapter", ifExists: .replace)
/// try writer.write(to: output.path + "/adapter.safetensors")
/// try output.commit()
/// ```
///
/// An older folder is renamed aside before the new one takes its name, and removed after. A crash
/// between these two steps leaves both, the old one under a hidden name that ends in `.partial`.
public struct AtomicFolder: ~Copyable {
    /// What to do with a folder that already stands at the destination.
    public enum ExistingFolder: Sendable {
        /// Leave it and fail, unless it is empty.
        case refuse
        /// Remove it with all it holds, once the new one is complete.
        case replace
    }

    /// The hidden folder to write into.
    public let path: String

    private let destination: URL

    /// The folders above the destination that did not exist, innermost first.
    private let createdParents: [String]

    private let existing: ExistingFolder

    /// The hidden folders of this process, with the folders above their destinations that it created.
    private static let unfinished = Mutex<[String: [String]]>([:])

    /// Removes all hidden folders of this process and ends it, so that none of them can appear meanwhile.
    ///
    /// - Parameter end: Ends the process; it is told whether anything was removed.
    package static func discardUnfinished(andEnd end: (Bool) -> Never) -> Never {
        unfinished.withLock { unfinished in
            for (path, parents) in unfinished {
                // First out of reach of a thread that is still writing there.
                let aside = temporarySibling(of: URL(filePath: path)).path
                let found = unsafe rename(path, aside) == 0 ? aside : path
                try? FileManager.default.removeItem(atPath: found)
                for parent in parents { _ = unsafe rmdir(parent) }
            }
            end(!unfinished.isEmpty)
        }
    }

    /// Creates the hidden folder, and the folders above it that do not exist.
    ///
    /// - Parameters:
    ///   - destination: Where the folder is to appear.
    ///   - existing: What to do with a folder that is there already.
    /// - Throws: ``FileError`` if there is a file, or a folder that may not be replaced, or nothing
    ///   can be written there.
    public init(at destination: String, ifExists existing: ExistingFolder) throws(FileError) {
        let target = try AtomicFolder.target(destination, ifExists: existing)
        let path = temporarySibling(of: target).path
        // Nothing is created any more once the unfinished are discarded.
        createdParents = try AtomicFolder.unfinished.withLock { unfinished throws(FileError) in
            let parents = try AtomicFolder.createFolders(upTo: target.deletingLastPathComponent())
            guard unsafe mkdir(path, 0o755) == 0 else {
                let error = FileError(path: destination, cannot: "create the folder")
                for parent in parents { _ = unsafe rmdir(parent) }
                throw error
            }
            unfinished[path] = parents
            return parents
        }
        self.path = path
        self.destination = target
        self.existing = existing
    }

    // After a commit the hidden folder is gone, and the created parents are not empty.
    deinit {
        try? FileManager.default.removeItem(atPath: path)
        AtomicFolder.unfinished.withLock { $0[path] = nil }
        for parent in createdParents { _ = unsafe rmdir(parent) }
    }

    /// Makes the folder appear at its destination.
    ///
    /// - Throws: ``FileError`` if a file cannot be flushed, the folder cannot be renamed, or a folder that may not
    ///   be replaced has appeared meanwhile; nothing has changed then.
    public consuming func commit() throws(FileError) {
        try AtomicFolder.synchronize(path)
        try AtomicFolder.unfinished.withLock { unfinished throws(FileError) in
            try appear()
            unfinished[path] = nil
        }
        try OpenFile.synchronize(destination.deletingLastPathComponent().path)
    }

    /// Writes a folder with a closure: what it writes appears if it returns, and not if it throws.
    ///
    /// - Parameters:
    ///   - destination: Where the folder is to appear.
    ///   - existing: What to do with a folder that is there already.
    ///   - body: Writes files into the folder whose path it is given.
    /// - Returns: What `body` returns.
    /// - Throws: ``FileError``, or what `body` throws.
    public static func write<Result>(
        to destination: String,
        ifExists existing: ExistingFolder,
        _ body: (String) throws -> Result
    ) throws -> Result {
        let folder = try AtomicFolder(at: destination, ifExists: existing)
        let result = try body(folder.path)
        try folder.commit()
        return result
    }

    /// Gives the hidden folder its name.
    private borrowing func appear() throws(FileError) {
        guard unsafe rename(path, destination.path) != 0 else { return }
        guard errno == ENOTEMPTY || errno == EEXIST else {
            throw FileError(path: destination.path, cannot: "move the finished folder here")
        }
        guard existing == .replace else { throw AtomicFolder.holdsFiles(destination.path) }
        try exchange()
    }

    /// Renames the old folder aside, the new one into its place, and removes the old one.
    private func exchange() throws(FileError) {
        let aside = temporarySibling(of: destination).path
        guard unsafe rename(destination.path, aside) == 0 else {
            throw FileError(path: destination.path, cannot: "move the older folder aside")
        }
        guard unsafe rename(path, destination.path) == 0 else {
            let error = FileError(path: destination.path, cannot: "move the finished folder here")
            _ = unsafe rename(aside, destination.path)
            throw error
        }
        try? FileManager.default.removeItem(atPath: aside)
    }

    /// Confirms that a folder may appear, and changes nothing.
    ///
    /// - Parameters:
    ///   - destination: Where the folder is to appear.
    ///   - existing: What to do with a folder that is there already.
    /// - Throws: ``FileError`` if there is something that may not be replaced.
    package static func check(
        _ destination: String,
        ifExists existing: ExistingFolder
    ) throws(FileError) {
        _ = try target(destination, ifExists: existing)
    }

    /// The folder that a path means.
    ///
    /// A link to a folder stays a link; what it leads to is replaced.
    private static func target(
        _ destination: String,
        ifExists existing: ExistingFolder
    ) throws(FileError) -> URL {
        guard !destination.isEmpty else {
            throw FileError(
                path: "''",
                problem: "an empty path names no folder",
                hint: "name one; is a variable unset?"
            )
        }
        let target = URL(filePath: destination, directoryHint: .isDirectory)
            .standardizedFileURL.resolvingSymlinksInPath()
        try check(target, existing, as: destination)
        return target
    }

    private static func check(
        _ target: URL,
        _ existing: ExistingFolder,
        as destination: String
    ) throws(FileError) {
        let current = URL(filePath: FileManager.default.currentDirectoryPath)
            .resolvingSymlinksInPath()
        // Also the folders above the one that the process is in, of which the topmost is '/'.
        guard !current.pathComponents.starts(with: target.pathComponents) else {
            throw FileError(
                path: destination,
                problem: "is a folder that this command runs in, and cannot be replaced",
                hint: "name another one"
            )
        }
        guard FileManager.default.fileExists(atPath: target.path) else { return }
        let contents: [String]
        do {
            contents = try FileManager.default.contentsOfDirectory(atPath: target.path)
        } catch {
            let hint = "name a folder that is new or that you may read"
            throw FileError(path: destination, problem: "is not a readable folder", hint: hint)
        }
        if existing == .refuse, !contents.isEmpty { throw holdsFiles(destination) }
    }

    private static func holdsFiles(_ path: String) -> FileError {
        let hint = "choose a new one, or --overwrite where the command has it"
        return FileError(path: path, problem: "is a folder that holds files", hint: hint)
    }

    /// Creates `folder` and those above it, and returns those that were missing, innermost first.
    private static func createFolders(upTo folder: URL) throws(FileError) -> [String] {
        if FileManager.default.fileExists(atPath: folder.path) { return [] }
        let above = try createFolders(upTo: folder.deletingLastPathComponent())
        guard unsafe mkdir(folder.path, 0o755) == 0 || errno == EEXIST else {
            let error = FileError(path: folder.path, cannot: "create the folder")
            for parent in above { _ = unsafe rmdir(parent) }
            throw error
        }
        return [folder.path] + above
    }

    /// Waits until everything below a folder is on the disk.
    private static func synchronize(_ folder: String) throws(FileError) {
        let contents = FileManager.default.enumerator(atPath: folder)
        while let item = contents?.nextObject() as? String {
            let type = contents?.fileAttributes?[.type] as? FileAttributeType
            if type == .typeRegular || type == .typeDirectory {
                try OpenFile.synchronize("\(folder)/\(item)")
            }
        }
        try OpenFile.synchronize(folder)
    }
}

package import Foundation
internal import Glibc

/// A file that appears under its name complete, or not at all.
///
/// The contents go to a hidden file in the same folder. ``commit()`` flushes it to the disk,
/// renames it, which replaces an older file in one step, and flushes the folder. If this value goes
/// out of scope before that, the hidden file is removed and whatever stood at the path stays.
///
/// What a link leads to is replaced, not the link. A device or a pipe is not replaced at all but takes the
/// contents as they come.
package struct AtomicFile: ~Copyable {
    private let file: OpenFile
    private let destination: String
    private let isHidden: Bool

    /// Creates the hidden file.
    ///
    /// - Parameter path: Where the file is to appear; its folder must exist.
    /// - Throws: ``FileError`` if the folder cannot be written or `path` is a folder.
    init(at path: String) throws(FileError) {
        guard !path.isEmpty else {
            throw FileError(
                path: "''",
                problem: "an empty path names no file",
                hint: "name one; is a variable unset?"
            )
        }
        let target = endOfLinks(URL(filePath: path))
        var status = stat()
        if unsafe stat(path, &status) == 0 {
            let kind = status.st_mode & S_IFMT
            guard kind != S_IFDIR else {
                throw FileError(path: path, problem: "is a folder", hint: "name a file in it")
            }
            guard kind == S_IFREG else {
                file = try OpenFile(writing: path)
                destination = path
                isHidden = false
                return
            }
        }
        let hidden = temporarySibling(of: target)
        do {
            file = try OpenFile(creating: hidden.path)
        } catch {
            throw FileError(path: path, problem: error.problem, hint: error.hint)
        }
        destination = target.path
        isHidden = true
    }

    // After the rename there is nothing under the hidden name, which is never used twice.
    deinit { if isHidden { _ = unsafe unlink(file.path) } }

    /// Writes a whole file.
    ///
    /// - Throws: ``FileError`` if it cannot be written; an older file is still there then.
    package static func write(_ contents: Data, to path: String) throws(FileError) {
        let file = try AtomicFile(at: path)
        let result = unsafe contents.withUnsafeBytes { bytes in
            Result { () throws(FileError) in try unsafe file.write(bytes) }
        }
        try result.get()
        try file.commit()
    }

    /// Appends all of `bytes`.
    func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        do {
            unsafe try file.write(bytes)
        } catch {
            throw FileError(path: destination, problem: error.problem, hint: error.hint)
        }
    }

    /// Makes the file appear under its name.
    consuming func commit() throws(FileError) {
        guard isHidden else { return }
        do { try file.synchronize() } catch {
            throw FileError(path: destination, problem: error.problem, hint: error.hint)
        }
        guard unsafe rename(file.path, destination) == 0 else {
            throw FileError(path: destination, cannot: "replace")
        }
        try OpenFile.synchronize(URL(filePath: destination).deletingLastPathComponent().path)
    }
}

/// Where the links at a path lead to in the end, whether or not there is anything.
private func endOfLinks(_ url: URL) -> URL {
    var url = url
    // As many as the system follows.
    for _ in 0..<40 {
        guard let next = try? FileManager.default.destinationOfSymbolicLink(atPath: url.path)
        else { break }
        url = URL(filePath: next, relativeTo: url.deletingLastPathComponent())
    }
    return url
}

/// Returns an unused hidden name beside `url`, for something that will be renamed to it.
func temporarySibling(of url: URL) -> URL {
    let unique = String(UInt64.random(in: .min ... .max), radix: 36)
    // A file name has at most 255 bytes; 40 characters of 4 bytes leave room for the rest.
    let name = ".\(url.lastPathComponent.prefix(40)).\(unique).partial"
    return url.deletingLastPathComponent().appending(path: name)
}

internal import Foundation

/// A file that a command writes, which must not be there yet: what it reads, and what others wrote, stays.
enum OutputFile {
    /// Confirms, before anything is computed, that nothing stands at a path.
    ///
    /// - Parameter path: Where the command is to write; `nil` for the standard output.
    /// - Returns: The path.
    /// - Throws: ``CommandError`` naming what is there.
    static func checked(_ path: String?) throws -> String? {
        guard path != "" else {
            throw CommandError(
                "--output: an empty path names no file",
                hint: "name one; is a variable unset?"
            )
        }
        guard let path, FileManager.default.fileExists(atPath: path) else { return path }
        // Devices and pipes take what they are given.
        let target = URL(filePath: path).resolvingSymlinksInPath().path
        let type = try? FileManager.default.attributesOfItem(atPath: target)[.type]
        guard let type = type as? FileAttributeType, type == .typeRegular || type == .typeDirectory
        else { return path }
        throw CommandError(
            "\(path): there is a \(type == .typeRegular ? "file" : "folder") already",
            hint: "name another file for --output, or remove this one"
        )
    }
}

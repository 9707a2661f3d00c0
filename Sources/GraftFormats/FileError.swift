internal import Glibc

/// A file or folder that the system would not read or write, said in one line with a hint.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file or folder.
    public let path: String

    /// What could not be done, and the system's reason.
    public let problem: String

    /// What may cure it, where that is known.
    public let hint: String?

    /// Creates an error of our own making.
    init(path: String, problem: String, hint: String? = nil) {
        self.path = path
        self.problem = problem
        self.hint = hint
    }

    /// Creates the error of a system call that has just failed.
    ///
    /// - Parameters:
    ///   - path: The file that it was about.
    ///   - action: What was tried, as it follows "cannot": "create the folder".
    ///   - code: The value of `errno`.
    init(path: String, cannot action: String, code: Int32 = errno) {
        let reason = unsafe String(cString: strerror(code))
        self.init(path: path, problem: "cannot \(action): \(reason)", hint: FileError.hint(code))
    }

    public var description: String {
        "\(path): \(problem)" + (hint.map { " (hint: \($0))" } ?? "")
    }

    private static func hint(_ code: Int32) -> String? {
        switch code {
        case ENOSPC, EDQUOT: "free some disk space or choose another disk, then run again"
        case EACCES, EPERM: "check the permissions of the file and of its folder"
        case ENOENT: "check the path"
        case EROFS: "choose a path on a disk that can be written"
        case EMFILE, ENFILE: "raise the limit of open files (ulimit -n)"
        case ENOMEM: "the address space is exhausted; check ulimit -v"
        default: nil
        }
    }
}

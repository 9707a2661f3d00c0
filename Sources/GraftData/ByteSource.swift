private import Foundation

/// Bytes that arrive in pieces, so that no file need be in memory as a whole.
protocol ByteSource {
    /// The next bytes, at most about `count`; none at the end.
    mutating func read(_ count: Int) throws(DataError) -> [UInt8]
}

/// The bytes of an array, for contents that did not come from a file.
struct MemorySource: ByteSource {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func read(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }
}

/// The bytes of a file or pipe, in order.
struct FileSource: ByteSource {
    private let path: String
    private let handle: FileHandle

    init(path: String) throws(DataError) {
        self.path = path
        let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
        let attributes = try? FileManager.default.attributesOfItem(atPath: url.path)
        if attributes?[.type] as? FileAttributeType == .typeDirectory {
            throw .unreadable(path: path, reason: "it is a folder (hint: name a file in it)")
        }
        guard FileManager.default.fileExists(atPath: path) else {
            let hint = path == "-" ? " (hint: the standard input is /dev/stdin)" : ""
            throw .unreadable(path: path, reason: "there is no such file" + hint)
        }
        do {
            handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        } catch {
            throw .unreadable(path: path, reason: error.systemReason)
        }
    }

    func read(_ count: Int) throws(DataError) -> [UInt8] {
        do {
            return try handle.read(upToCount: count).map { [UInt8]($0) } ?? []
        } catch {
            throw .unreadable(path: path, reason: error.systemReason)
        }
    }
}

extension Error {
    /// The system's reason, without the words that Foundation puts around it.
    package var systemReason: String {
        let error = (self as NSError).userInfo[NSUnderlyingErrorKey] as? NSError ?? self as NSError
        guard error.domain == NSPOSIXErrorDomain else { return error.localizedDescription }
        return unsafe String(cString: strerror(Int32(error.code)))
    }
}

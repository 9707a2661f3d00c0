internal import Glibc

/// An open file that is closed when it goes out of scope: the few system calls that a format needs
/// and `FileHandle` lacks (errors with their cause, `fsync`, no pause on a named pipe).
struct OpenFile: ~Copyable {
    let path: String
    private let descriptor: Int32

    /// Opens an existing regular file for reading.
    ///
    /// - Throws: ``FileError`` if there is none, it is a folder or device, or may not be read.
    init(reading path: String) throws(FileError) {
        // Without O_NONBLOCK, opening a pipe would wait for a writer for ever.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileError(path: path, cannot: "open") }
        do throws(FileError) {
            let kind = try OpenFile.status(descriptor, path).st_mode & S_IFMT
            guard kind == S_IFREG else {
                let problem = kind == S_IFDIR ? "is a folder, not a file" : "is not a regular file"
                throw FileError(path: path, problem: problem)
            }
        } catch {
            _ = close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
    }

    /// Creates a file that must not exist yet.
    init(creating path: String) throws(FileError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError(path: path, cannot: "create") }
        self.path = path
        self.descriptor = descriptor
    }

    /// Opens what is there and is no regular file, a device or a pipe, for writing.
    init(writing path: String) throws(FileError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: path, cannot: "open") }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { _ = close(descriptor) }

    func status() throws(FileError) -> stat { try OpenFile.status(descriptor, path) }

    private static func status(_ descriptor: Int32, _ path: String) throws(FileError) -> stat {
        var result = stat()
        guard unsafe fstat(descriptor, &result) == 0 else {
            throw FileError(path: path, cannot: "examine")
        }
        return result
    }

    /// Maps the first `byteCount` bytes privately and read-only.
    func map(byteCount: Int) throws(FileError) -> UnsafeRawPointer {
        guard
            let address = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0),
            unsafe address != MAP_FAILED
        else { throw FileError(path: path, cannot: "map") }
        return UnsafeRawPointer(address)
    }

    /// Appends all of `bytes`.
    func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        var written = 0
        while written < bytes.count {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw FileError(path: path, cannot: "write")
            }
            written += count
        }
    }

    /// Waits until the contents are on the disk.
    func synchronize() throws(FileError) {
        guard fsync(descriptor) == 0 else { throw FileError(path: path, cannot: "flush") }
    }

    /// Waits until the names in a folder, or the contents of a file, are on the disk.
    static func synchronize(_ path: String) throws(FileError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: path, cannot: "open") }
        defer { _ = close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileError(path: path, cannot: "flush") }
    }
}

internal import Glibc

/// A file in the address space: read on first touch, shared by all who hold this object, and
/// unmapped when the last of them lets go.
///
/// A tensor that uses the mapped bytes in place keeps this object alive. The mapping is read-only
/// and private. Its pages belong to the system's file cache, so that several processes that map one
/// checkpoint hold it in memory once. As with every mapping, the process is killed (SIGBUS) if
/// somebody shortens the file in place meanwhile; writers of this package never do, they replace.
@safe public final class MappedFile: @unchecked Sendable {
    /// The path as it was given.
    public let path: String

    /// The size of the file.
    public let byteCount: Int

    /// When and what was mapped, to recognise the same file later.
    let identity: Identity

    private let address: UnsafeRawPointer?

    /// What tells a changed file from an unchanged one without reading it.
    struct Identity: Hashable, Sendable {
        let inode: UInt64
        let byteCount: Int
        let modifiedNanoseconds: Int
    }

    /// What the process is about to do with a part of the file.
    public enum Advice: Sendable {
        /// The bytes are needed soon: start reading them.
        case willNeed
        /// The bytes are not needed any more: their memory may be given back. They stay readable,
        /// from the disk if need be.
        case dontNeed
        /// The bytes are read once, from front to back.
        case sequential
    }

    /// Maps a regular file.
    ///
    /// - Parameter path: The file, which may be empty.
    /// - Throws: ``FileError`` if it cannot be opened or mapped, or is not a regular file.
    public init(path: String) throws(FileError) {
        let file = try OpenFile(reading: path)
        let status = try file.status()
        self.path = path
        byteCount = Int(status.st_size)
        unsafe address = byteCount == 0 ? nil : try file.map(byteCount: byteCount)
        identity = Identity(
            inode: UInt64(status.st_ino),
            byteCount: byteCount,
            modifiedNanoseconds: status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec
        )
    }

    deinit {
        if let address = unsafe address {
            _ = unsafe munmap(UnsafeMutableRawPointer(mutating: address), byteCount)
        }
    }

    /// Calls `body` with a part of the file, without copying it.
    ///
    /// The pointer stays valid for as long as this object lives.
    ///
    /// - Parameters:
    ///   - range: The bytes, which must be inside the file.
    ///   - body: Reads the bytes.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws.
    public func withUnsafeBytes<Result, Failure: Error>(
        in range: Range<Int>,
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "outside of the file")
        let whole = unsafe UnsafeRawBufferPointer(start: address, count: byteCount)
        return unsafe try body(UnsafeRawBufferPointer(rebasing: whole[range]))
    }

    /// Tells the system what is about to happen to a part of the file.
    ///
    /// It works on whole pages: `dontNeed` spares those that `range` covers only in part. It never
    /// changes what the bytes are, and a system that ignores it does no harm.
    ///
    /// - Parameters:
    ///   - advice: The plan.
    ///   - range: The bytes, clamped to the file.
    public func advise(_ advice: Advice, in range: Range<Int>) {
        guard let address = unsafe address else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let range = range.clamped(to: 0..<byteCount)
        var (start, end) = (range.lowerBound / page * page, range.upperBound)
        if advice == .dontNeed {
            start = (range.lowerBound + page - 1) / page * page
            if end < byteCount { end = end / page * page }
        }
        guard start < end else { return }
        let flag =
            switch advice {
            case .willNeed: MADV_WILLNEED
            case .dontNeed: MADV_DONTNEED
            case .sequential: MADV_SEQUENTIAL
            }
        _ = unsafe madvise(UnsafeMutableRawPointer(mutating: address + start), end - start, flag)
    }

    /// Tells the system what is about to happen to the whole file.
    ///
    /// - Parameter advice: The plan.
    public func advise(_ advice: Advice) { self.advise(advice, in: 0..<byteCount) }
}

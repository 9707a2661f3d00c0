/// A tensor as it lies in a file: what it is, and the mapping that holds its bytes.
///
/// Keep it, or ``mapping``, for as long as the bytes are used in place.
public struct StoredTensor: Sendable {
    /// Its name, type, shape and place.
    public let entry: SafetensorsFile.Entry

    /// The file in memory.
    public let mapping: MappedFile

    init(_ entry: SafetensorsFile.Entry, in file: SafetensorsFile) {
        self.entry = entry
        mapping = file.mapping
    }

    /// Calls `body` with the bytes of the tensor, without copying them.
    ///
    /// - Parameter body: Reads the bytes, which are aligned only if the entry says so.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe mapping.withUnsafeBytes(in: entry.byteRange, body)
    }

    /// Tells the system what is about to happen to the bytes of the tensor.
    ///
    /// - Parameter advice: The plan; `dontNeed` gives back the pages that no other tensor shares.
    public func advise(_ advice: MappedFile.Advice) {
        mapping.advise(advice, in: entry.byteRange)
    }
}

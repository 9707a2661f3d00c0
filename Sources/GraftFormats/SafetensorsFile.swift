internal import GraftLayers

/// A safetensors file, mapped into memory and checked from end to end before anything is read.
///
/// Opening it reads the header only. Every property that the format promises is checked then, so
/// that no later read can leave the file, whoever wrote it: dtypes are known, sizes equal shapes,
/// ranges neither overlap nor leave holes, and the data ends where the file ends. The bytes of a
/// tensor are used in place through ``mapping``, which whoever keeps a pointer keeps alive.
///
/// ```swift
/// let file = try SafetensorsFile(path: "model.safetensors")
/// for name in file.names { print(name, file[name]?.shape ?? []) }
/// ```
public struct SafetensorsFile: Sendable {
    /// Where a tensor lies in the file and how to read it.
    public struct Entry: Sendable, Hashable {
        /// The name of the tensor.
        public let name: String

        /// The type of its elements.
        public let elementType: ElementType

        /// Its dimensions, outermost first; empty for a scalar.
        public let shape: [Int]

        /// Its bytes, counted from the start of the file; little-endian and row-major.
        public let byteRange: Range<Int>

        /// Whether its address in the mapping is a multiple of its element size.
        ///
        /// Only then may it be used in place; otherwise copy it.
        public var isAligned: Bool { byteRange.lowerBound % elementType.byteCount == 0 }

        /// The number of its elements.
        public var elementCount: Int { byteRange.count / elementType.byteCount }
    }

    /// The file in memory.
    public let mapping: MappedFile

    /// The strings that the writer stored beside the tensors, such as `format: pt`.
    public let metadata: [String: String]

    /// The tensors in the order of their bytes.
    public let entries: [Entry]

    private let positions: [ExactName: Int]

    /// Opens and checks a file.
    ///
    /// - Parameter path: The file.
    /// - Throws: ``SafetensorsError`` if it cannot be opened or breaks a rule of the format.
    public init(path: String) throws(SafetensorsError) {
        let mapping: MappedFile
        do { mapping = try MappedFile(path: path) } catch { throw SafetensorsError(error) }
        let headerSize = try SafetensorsFile.headerSize(mapping)
        let text = unsafe mapping.withUnsafeBytes(in: 8..<8 + headerSize) { unsafe Array($0) }
        let header = try SafetensorsHeader(parsing: text, file: path)
        entries = try SafetensorsFile.checked(header, of: mapping, dataStart: 8 + headerSize)
        metadata = header.metadata
        self.mapping = mapping
        positions = Dictionary(
            uniqueKeysWithValues: entries.enumerated().map { (ExactName($1.name), $0) }
        )
    }

    /// The names of the tensors in the order of their bytes.
    public var names: [String] { entries.map(\.name) }

    /// The tensor of a name, or `nil` if there is none.
    public subscript(name: String) -> Entry? {
        positions[ExactName(name)].map { entries[$0] }
    }

    /// Returns the tensor of a name that must be there.
    ///
    /// - Throws: ``SafetensorsError`` that suggests the nearest name.
    public func entry(_ name: String) throws(SafetensorsError) -> Entry {
        guard let entry = self[name] else {
            let near = names.nearest(to: name).map { "did you mean \(quoted($0))?" }
            throw SafetensorsError(mapping.path, tensor: name, "is not in the file", hint: near)
        }
        return entry
    }

    /// Calls `body` with the bytes of a tensor, without copying them.
    ///
    /// - Parameters:
    ///   - entry: A tensor of this file.
    ///   - body: Reads the bytes, which are aligned only if ``Entry/isAligned``.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws.
    public func withUnsafeBytes<Result, Failure: Error>(
        of entry: Entry,
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe mapping.withUnsafeBytes(in: entry.byteRange, body)
    }

    /// Calls `body` with the bytes of the tensor of a name, without copying them.
    ///
    /// - Parameters:
    ///   - name: The name of a tensor.
    ///   - body: Reads the bytes, which are aligned only if ``Entry/isAligned``.
    /// - Returns: What `body` returns.
    /// - Throws: ``SafetensorsError`` if there is no such tensor, or what `body` throws.
    public func withUnsafeBytes<Result>(
        of name: String,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try unsafe mapping.withUnsafeBytes(in: entry(name).byteRange, body)
    }

    private static func headerSize(_ mapping: MappedFile) throws(SafetensorsError) -> Int {
        let path = mapping.path
        guard mapping.byteCount > 0 else {
            throw SafetensorsError(path, "is empty", hint: notSafetensors)
        }
        guard mapping.byteCount >= 8 else {
            throw SafetensorsError(path, "is shorter than a header", hint: notSafetensors)
        }
        let size = unsafe mapping.withUnsafeBytes(in: 0..<8) {
            unsafe UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self))
        }
        guard size >= 2 else {
            throw SafetensorsError(path, "has a header of \(size) bytes", hint: notSafetensors)
        }
        guard size <= UInt64(SafetensorsHeader.byteLimit) else {
            let problem = "has a header of \(size) bytes, more than \(SafetensorsHeader.byteLimit)"
            throw SafetensorsError(path, problem, hint: notSafetensors)
        }
        guard size <= UInt64(mapping.byteCount - 8) else {
            let problem = "ends within its header of \(size) bytes"
            throw SafetensorsError(path, problem, hint: notSafetensors)
        }
        return Int(size)
    }

    /// Returns the tensors in the order of their bytes, after proving that these tile the data.
    private static func checked(
        _ header: SafetensorsHeader,
        of mapping: MappedFile,
        dataStart: Int
    ) throws(SafetensorsError) -> [Entry] {
        let path = mapping.path
        let dataSize = mapping.byteCount - dataStart
        var end = 0
        var entries: [Entry] = []
        entries.reserveCapacity(header.tensors.count)
        // An empty tensor comes before the one that starts at the same byte.
        let tensors = header.tensors.sorted { ($0.start, $0.end) < ($1.start, $1.end) }
        for tensor in tensors {
            let range = "\(tensor.start) to \(tensor.end)"
            func failure(_ problem: String, hint: String? = nil) -> SafetensorsError {
                SafetensorsError(path, tensor: tensor.name, problem, hint: hint)
            }
            guard tensor.start <= tensor.end else {
                throw failure("has reversed data_offsets, \(range)")
            }
            guard let byteCount = tensor.type.byteCount(ofShape: tensor.shape) else {
                throw failure("has a shape too large for any memory, \(tensor.shape)")
            }
            guard byteCount == tensor.end - tensor.start else {
                let expected = "\(byteCount) for \(tensor.type.rawValue) \(tensor.shape)"
                throw failure("has \(tensor.end - tensor.start) bytes instead of \(expected)")
            }
            guard tensor.end <= dataSize else {
                let problem = "needs bytes \(range) of the data, which has \(dataSize)"
                throw failure(
                    problem,
                    hint: "the file is cut short: copy, download or make it again"
                )
            }
            guard tensor.start >= end else { throw failure("overlaps another tensor at \(range)") }
            guard tensor.start == end else {
                throw failure("comes after a hole of \(tensor.start - end) bytes")
            }
            end = tensor.end
            entries.append(
                Entry(
                    name: tensor.name,
                    elementType: tensor.type,
                    shape: tensor.shape,
                    byteRange: dataStart + tensor.start..<dataStart + tensor.end
                )
            )
        }
        guard end == dataSize else {
            throw SafetensorsError(path, "has \(dataSize - end) bytes that belong to no tensor")
        }
        return entries
    }
}

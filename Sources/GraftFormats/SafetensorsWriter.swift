/// Writes tensors to a safetensors file, byte for byte as the reference implementation does.
///
/// Tensors are ordered by element type, larger ones first, then by name, so that each is aligned;
/// the header is padded with spaces to eight bytes. The file appears complete or not at all.
///
/// ```swift
/// var writer = SafetensorsWriter(metadata: ["format": "pt"])
/// writer.add("lora_A.weight", .float32, shape: [8, 384]) { write in try write(bytes) }
/// try writer.write(to: "adapter.safetensors")
/// ```
///
/// Reference: `serialize_to_file` of safetensors 0.8.0. It writes several metadata entries in no
/// particular order; here they are sorted.
public struct SafetensorsWriter {
    /// Hands bytes to the file; it may be called several times, front to back.
    public typealias Sink = (UnsafeRawBufferPointer) throws -> Void

    /// Hands all bytes of a tensor, little-endian and row-major, to a sink.
    public typealias Source = (Sink) throws -> Void

    @safe private struct Item {
        let name: String
        let elementType: ElementType
        let shape: [Int]
        let source: Source
    }

    private let metadata: [String: String]
    private var items: [Item] = []

    /// Creates a writer without tensors.
    ///
    /// - Parameter metadata: Strings to store beside the tensors. Other systems look for
    ///   `format: pt`.
    public init(metadata: [String: String] = [:]) {
        self.metadata = metadata
    }

    /// Adds a tensor; nothing is written or checked yet.
    ///
    /// - Parameters:
    ///   - name: Its name, unique in the file.
    ///   - elementType: The type of its elements.
    ///   - shape: Its dimensions, outermost first.
    ///   - source: Produces its bytes when the file is written.
    public mutating func add(
        _ name: String,
        _ elementType: ElementType,
        shape: [Int],
        source: @escaping Source
    ) {
        unsafe items.append(
            Item(name: name, elementType: elementType, shape: shape, source: source)
        )
    }

    /// Adds a tensor of another file, whose bytes are copied when this one is written.
    ///
    /// - Parameters:
    ///   - tensor: The tensor.
    ///   - name: Its new name; by default it keeps its own.
    public mutating func add(_ tensor: StoredTensor, as name: String? = nil) {
        let entry = tensor.entry
        unsafe add(name ?? entry.name, entry.elementType, shape: entry.shape) { sink in
            unsafe try tensor.withUnsafeBytes(sink)
        }
    }

    /// Writes the file.
    ///
    /// - Parameter path: Where it is to appear; an older file is replaced in one step.
    /// - Throws: ``SafetensorsError`` if two tensors have one name, a source fails or gives another
    ///   number of bytes than its shape needs, or the disk is full. No partial file is left then.
    public func write(to path: String) throws(SafetensorsError) {
        let sorted = items.sorted { a, b in
            (b.elementType.rank, ExactName(a.name)) < (a.elementType.rank, ExactName(b.name))
        }
        let header = try header(of: sorted, path)
        do {
            let file = try AtomicFile(at: path)
            try SafetensorsWriter.write(header, to: file)
            for item in sorted { try SafetensorsWriter.write(item, to: file, path) }
            try file.commit()
        } catch let error as FileError {
            throw SafetensorsError(error)
        } catch let error as SafetensorsError {
            throw error
        } catch {
            throw SafetensorsError(path, "\(error)")
        }
    }

    private static func write(_ bytes: [UInt8], to file: borrowing AtomicFile) throws {
        unsafe try bytes.withUnsafeBytes { bytes in unsafe try file.write(bytes) }
    }

    private static func write(
        _ item: Item,
        to file: borrowing AtomicFile,
        _ path: String
    ) throws {
        let size = item.elementType.byteCount(ofShape: item.shape) ?? 0
        var written = 0
        do {
            unsafe try item.source { bytes in
                written += bytes.count
                if written <= size { unsafe try file.write(bytes) }
            }
        } catch let error as FileError {
            throw error
        } catch {
            throw SafetensorsError(path, tensor: item.name, "\(error)")
        }
        guard written == size else {
            let problem = "came as \(written) bytes instead of \(size)"
            throw SafetensorsError(path, tensor: item.name, problem)
        }
    }

    /// Returns the length of the header and the header itself.
    private func header(of items: [Item], _ path: String) throws(SafetensorsError) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let strings = metadata.sorted { ExactName($0.key) < ExactName($1.key) }
                .map { "\(literal($0.key)):\(literal($0.value))" }
            members.append("\"__metadata__\":{\(strings.joined(separator: ","))}")
        }
        var seen: Set = [ExactName("__metadata__")]
        var start = 0
        for item in items {
            let name = item.name
            guard seen.insert(ExactName(name)).inserted else {
                let problem = name == "__metadata__" ? "has a reserved name" : "is given twice"
                throw SafetensorsError(path, tensor: name, problem)
            }
            guard
                let size = item.elementType.byteCount(ofShape: item.shape),
                case let (end, overflow) = start.addingReportingOverflow(size), !overflow
            else {
                throw SafetensorsError(path, tensor: name, "has the impossible shape \(item.shape)")
            }
            let shape = item.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(literal(name)):{\"dtype\":\"\(item.elementType.rawValue)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(start),\(end)]}"
            )
            start = end
        }
        var text = Array("{\(members.joined(separator: ","))}".utf8)
        text += [UInt8](repeating: 0x20, count: (8 - text.count % 8) % 8)
        guard text.count <= SafetensorsHeader.byteLimit else {
            throw SafetensorsError(path, "would have a header of \(text.count) bytes, too many")
        }
        return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> ($0 * 8)) } + text
    }
}

/// Returns `text` as a JSON string, escaped as the reference's JSON library (serde_json) does.
private func literal(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\u{8}": result += "\\b"
        case "\u{C}": result += "\\f"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case ..<" ":
            let code = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - code.count) + code
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}

/// The header of a safetensors file, parsed but not yet checked against the data that follows it.
///
/// The format restricts JSON so far that a scanner for it is shorter and stricter than the use of a
/// general one: an object whose members are `{"dtype", "shape", "data_offsets"}` or, under
/// `__metadata__`, a map of strings. Repeated names, which general parsers swallow, are errors
/// here.
///
/// Reference: [the format](https://github.com/huggingface/safetensors#format).
struct SafetensorsHeader {
    /// A tensor as the header states it.
    struct Tensor {
        let name: String
        var type: ElementType = .uint8
        var shape: [Int] = []
        var start = 0
        var end = 0
    }

    /// The longest header that is accepted, as in the reference implementation.
    static let byteLimit = 100_000_000

    private(set) var metadata: [String: String] = [:]
    private(set) var tensors: [Tensor] = []

    /// Parses a header.
    ///
    /// - Parameters:
    ///   - bytes: The JSON text with its padding.
    ///   - file: The path for errors.
    /// - Throws: ``SafetensorsError`` that names the tensor, or the byte of the header.
    init(parsing bytes: [UInt8], file: String) throws(SafetensorsError) {
        var scanner = HeaderScanner(bytes, file: file)
        guard bytes.first == UInt8(ascii: "{") else {
            throw scanner.failure("the header does not begin with '{'", hint: notSafetensors)
        }
        var seen: Set<ExactName> = []
        try scanner.object { scanner, name throws(SafetensorsError) in
            guard seen.insert(ExactName(name)).inserted else {
                throw SafetensorsError(file, tensor: name, "is in the header twice")
            }
            if name == "__metadata__" {
                metadata = try SafetensorsHeader.metadata(&scanner)
            } else {
                tensors.append(try SafetensorsHeader.tensor(name, &scanner))
            }
        }
        try scanner.end()
    }

    private static func metadata(
        _ scanner: inout HeaderScanner
    ) throws(SafetensorsError) -> [String: String] {
        var result: [String: String] = [:]
        try scanner.object { scanner, key throws(SafetensorsError) in
            guard result.updateValue(try scanner.string(), forKey: key) == nil else {
                throw scanner.failure("the metadata has \(quoted(key)) twice")
            }
        }
        return result
    }

    private static func tensor(
        _ name: String,
        _ scanner: inout HeaderScanner
    ) throws(SafetensorsError) -> Tensor {
        var result = Tensor(name: name)
        var (type, shape, offsets): (ElementType?, [Int]?, [Int]?)
        scanner.tensor = name
        try scanner.object { scanner, key throws(SafetensorsError) in
            let isRepeated: Bool
            switch key {
            case "dtype":
                isRepeated = type != nil
                let text = try scanner.string()
                type = ElementType(rawValue: text)
                if type == nil {
                    let known = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
                    throw scanner.complaint("has the unknown dtype \(quoted(text))", hint: known)
                }
            case "shape":
                isRepeated = shape != nil
                shape = try scanner.naturalNumbers("a dimension")
            case "data_offsets":
                isRepeated = offsets != nil
                offsets = try scanner.naturalNumbers("an offset")
            default:
                throw scanner.complaint("has the unknown field \(quoted(key))")
            }
            if isRepeated { throw scanner.complaint("has \(quoted(key)) twice") }
        }
        guard let type else { throw scanner.complaint("has no dtype") }
        guard let shape else { throw scanner.complaint("has no shape") }
        guard let offsets else { throw scanner.complaint("has no data_offsets") }
        guard offsets.count == 2 else {
            throw scanner.complaint("has \(offsets.count) data_offsets instead of 2")
        }
        scanner.tensor = nil
        (result.type, result.shape, result.start, result.end) = (
            type, shape, offsets[0], offsets[1]
        )
        return result
    }
}

/// What to tell somebody whose file is of another format.
let notSafetensors = "is this a safetensors file, and completely downloaded?"

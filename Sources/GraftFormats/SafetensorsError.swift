/// A safetensors file or checkpoint that cannot be used or written, said in one line.
public struct SafetensorsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file, or the folder of a checkpoint.
    public let file: String

    /// The tensor that it is about, if it is about one.
    public let tensor: String?

    /// What is wrong.
    public let problem: String

    /// What may cure it, where that is known.
    public let hint: String?

    init(_ file: String, tensor: String? = nil, _ problem: String, hint: String? = nil) {
        self.file = file
        self.tensor = tensor
        self.problem = problem
        self.hint = hint
    }

    init(_ error: FileError) {
        self.init(error.path, error.problem, hint: error.hint)
    }

    public var description: String {
        let subject = tensor.map { ": tensor \(quoted($0))" } ?? ""
        return file + subject + ": " + problem + (hint.map { " (hint: \($0))" } ?? "")
    }
}

/// Returns `name` in quotes, on one line and not too long: names in files are not to be trusted.
func quoted(_ name: String) -> String {
    let limit = 120
    let safe = name.unicodeScalars.prefix(limit).map { scalar in
        scalar.properties.generalCategory == .control
            || scalar.properties.generalCategory == .format
            || scalar.properties.generalCategory == .lineSeparator
            || scalar.properties.generalCategory == .paragraphSeparator
            ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return "'" + safe.joined() + (name.unicodeScalars.count > limit ? "…'" : "'")
}

/// A name compared byte by byte, as the format does.
///
/// Swift's `String` takes a composed and a decomposed "é" for equal; in a file they are two
/// tensors.
struct ExactName: Hashable, Comparable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (a: ExactName, b: ExactName) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

    static func < (a: ExactName, b: ExactName) -> Bool {
        a.text.utf8.lexicographicallyPrecedes(b.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
        let count: Void? = unsafe text.utf8.withContiguousStorageIfAvailable { bytes in
            unsafe hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
        }
        // A string that is not stored as UTF-8 (Swift makes none on Linux) goes byte by byte.
        if count == nil { for byte in text.utf8 { hasher.combine(byte) } }
        hasher.combine(0xFF as UInt8)
    }
}

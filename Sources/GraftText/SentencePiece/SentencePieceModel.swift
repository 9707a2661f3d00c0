/// What a SentencePiece model file says.
///
/// Reference: `sentencepiece_model.proto` of SentencePiece.
struct SentencePieceModel: Sendable {
    /// What a piece is.
    enum Kind: UInt64, Sendable {
        case normal = 1
        case unknown, control, userDefined, unused, byte
    }

    /// A token.
    struct Entry: Sendable {
        var spelling: [UInt8] = []
        var score: Float = 0
        var kind = Kind.normal

        var text: String { String(decoding: spelling, as: UTF8.self) }
    }

    /// How words are cut.
    enum Algorithm: UInt64, Sendable {
        case unigram = 1
        case bytePair, word, character
    }

    private(set) var entries: [Entry] = []
    private(set) var algorithm = Algorithm.unigram
    private(set) var fallsBackToBytes = false
    private(set) var treatsWhitespaceAsSuffix = false
    private(set) var unknownID = 0
    private(set) var unknownSurface = Array(" \u{2047} ".utf8)
    private(set) var characterMap: [UInt8] = []
    private(set) var addsDummyPrefix = true
    private(set) var removesExtraWhitespace = true
    private(set) var escapesWhitespace = true

    private let path: String

    /// Reads a model.
    ///
    /// - Throws: ``TokenizerError`` if the bytes are no model, or have a kind of piece that is not known.
    init(_ bytes: [UInt8], path: String) throws(TokenizerError) {
        self.path = path
        try forEachField(of: bytes, bytes.indices) { (number, value) throws(TokenizerError) in
            switch (number, value) {
            case (1, .bytes(let range)): entries.append(try entry(bytes, range))
            case (2, .bytes(let range)): try readTraining(bytes, range)
            case (3, .bytes(let range)): try readNormalization(bytes, range)
            case (1...3, _): throw invalid("a field of another type than it should have")
            default: break
            }
        }
        guard !entries.isEmpty else { throw invalid("has no pieces") }
        guard entries.indices.contains(unknownID) else {
            throw invalid("the unknown piece \(unknownID) is none of them")
        }
    }

    /// A complaint about the file.
    func invalid(_ problem: String) -> TokenizerError {
        .invalid(file: path, field: "SentencePiece model", problem: problem)
    }

    /// A complaint about something that the file asks for.
    func unsupported(_ field: String, _ value: String, _ supported: [String]) -> TokenizerError {
        .unsupported(file: path, field: field, value: value, supported: supported)
    }

    private func forEachField(
        of bytes: [UInt8],
        _ range: Range<Int>,
        _ body: (Int, ProtobufReader.Value) throws(TokenizerError) -> Void
    ) throws(TokenizerError) {
        try ProtobufReader.forEachField(
            of: bytes,
            range,
            failure: { failure in
                invalid("not a model, or cut off: byte \(failure.position) cannot be read")
            },
            body
        )
    }

    private func entry(_ bytes: [UInt8], _ range: Range<Int>) throws(TokenizerError) -> Entry {
        var entry = Entry()
        try forEachField(of: bytes, range) { (number, value) throws(TokenizerError) in
            switch (number, value) {
            case (1, .bytes(let range)): entry.spelling = Array(bytes[range])
            case (2, .fixed32(let bits)): entry.score = Float(bitPattern: bits)
            case (3, .integer(let number)):
                guard let kind = Kind(rawValue: number) else {
                    throw invalid("piece \(entries.count) is of an unknown kind, \(number)")
                }
                entry.kind = kind
            default: break
            }
        }
        guard String(validating: entry.spelling, as: UTF8.self) != nil, !entry.spelling.isEmpty
        else { throw invalid("piece \(entries.count) is empty or not UTF-8") }
        return entry
    }

    private mutating func readTraining(
        _ bytes: [UInt8],
        _ range: Range<Int>
    ) throws(TokenizerError) {
        var (algorithm, falls, suffix) = (algorithm, fallsBackToBytes, treatsWhitespaceAsSuffix)
        var (unknown, surface) = (unknownID, unknownSurface)
        try forEachField(of: bytes, range) { (number, value) throws(TokenizerError) in
            switch (number, value) {
            case (3, .integer(let number)):
                guard let known = Algorithm(rawValue: number) else {
                    throw invalid("model type \(number) is not known")
                }
                algorithm = known
            case (24, .integer(let flag)): suffix = flag != 0
            case (35, .integer(let flag)): falls = flag != 0
            case (40, .integer(let id)): unknown = Int(Int32(truncatingIfNeeded: id))
            case (44, .bytes(let range)): surface = Array(bytes[range])
            default: break
            }
        }
        (self.algorithm, fallsBackToBytes, treatsWhitespaceAsSuffix) = (algorithm, falls, suffix)
        (unknownID, unknownSurface) = (unknown, surface)
    }

    private mutating func readNormalization(
        _ bytes: [UInt8],
        _ range: Range<Int>
    ) throws(TokenizerError) {
        var (map, prefix) = (characterMap, addsDummyPrefix)
        var (removes, escapes) = (removesExtraWhitespace, escapesWhitespace)
        try forEachField(of: bytes, range) { (number, value) throws(TokenizerError) in
            switch (number, value) {
            case (2, .bytes(let range)): map = Array(bytes[range])
            case (3, .integer(let flag)): prefix = flag != 0
            case (4, .integer(let flag)): removes = flag != 0
            case (5, .integer(let flag)): escapes = flag != 0
            default: break
            }
        }
        (characterMap, addsDummyPrefix) = (map, prefix)
        (removesExtraWhitespace, escapesWhitespace) = (removes, escapes)
    }
}

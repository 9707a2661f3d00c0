internal import Foundation

/// The vocabulary of a model of `llama2.c`: a score and the bytes of each token.
///
/// The file was made from a SentencePiece model of byte pairs: spaces stand for its `▁`, and the start and end tokens have line
/// breaks around. It is written as such a model again, which Llama's tokenizer reads.
///
/// Reference: `tokenizer.py` of [llama2.c](https://github.com/karpathy/llama2.c), `export`; `sentencepiece_model.proto`.
public struct Llama2CTokenizer: Sendable {
    private let tokens: [(score: Float, text: [UInt8])]

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - count: The tokens that the model has.
    /// - Throws: ``FileError`` if the file cannot be read, ends inside a token, or has another number of tokens.
    public init(path: String, count: Int) throws(FileError) {
        let file = try MappedFile(path: path)
        let bytes = unsafe file.withUnsafeBytes(in: 0..<file.byteCount) { unsafe Array($0) }
        func refusal(_ problem: String) -> FileError {
            FileError(path: path, problem: problem, hint: "is this the tokenizer of that model?")
        }
        func number(at position: Int) throws(FileError) -> UInt32 {
            guard position + 4 <= bytes.count else { throw refusal("ends inside a token") }
            return (0..<4).reduce(0) { $0 | UInt32(bytes[position + $1]) << (8 * $1) }
        }
        // The length of the longest token comes first, which is not needed.
        var position = 4
        var tokens: [(score: Float, text: [UInt8])] = []
        while position < bytes.count {
            let score = Float(bitPattern: try number(at: position))
            let length = Int(try number(at: position + 4))
            let start = position + 8
            guard length > 0, start + length <= bytes.count else {
                throw refusal("token \(tokens.count) ends behind the end of the file")
            }
            tokens.append((score, Array(bytes[start..<start + length])))
            position = start + length
        }
        guard tokens.count == count else {
            throw refusal("has \(tokens.count) tokens where the model has \(count)")
        }
        guard count > 259 else { throw refusal("has no tokens for bytes") }
        self.tokens = tokens
    }

    /// Writes `tokenizer.model` and `tokenizer_config.json` into a folder that exists.
    ///
    /// - Throws: ``FileError`` if a file cannot be written.
    public func write(into folder: String) throws {
        try AtomicFile.write(Data(model), to: folder + "/tokenizer.model")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        try AtomicFile.write(
            encoder.encode(TokenizerConfiguration()),
            to: folder + "/tokenizer_config.json"
        )
    }

    /// A SentencePiece model.
    private var model: [UInt8] {
        var file = ProtobufMessage()
        for (id, token) in tokens.enumerated() {
            var piece = ProtobufMessage()
            piece.append(1, bytes: spelling(token.text, id: id))
            piece.append(2, float: token.score)
            // Unknown, control, byte, normal.
            let kind: UInt64 = id == 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1
            if kind != 1 { piece.append(3, integer: kind) }
            file.append(1, bytes: piece.bytes)
        }
        var training = ProtobufMessage()
        training.append(3, integer: 2)  // byte pairs
        training.append(35, integer: 1)  // falls back to bytes
        file.append(2, bytes: training.bytes)
        var normalization = ProtobufMessage()
        normalization.append(1, bytes: Array("identity".utf8))
        normalization.append(4, integer: 0)  // extra white space stays
        file.append(3, bytes: normalization.bytes)
        return file.bytes
    }

    private func spelling(_ text: [UInt8], id: Int) -> [UInt8] {
        if id < 3 { return Array(["<unk>", "<s>", "</s>"][id].utf8) }
        return text.flatMap { $0 == 0x20 ? Array("▁".utf8) : [$0] }
    }
}

/// `tokenizer_config.json` of such a model.
private struct TokenizerConfiguration: Encodable {
    let tokenizerClass = "LlamaTokenizer"
    let addBosToken = true
    let addEosToken = false
    let bosToken = "<s>"
    let eosToken = "</s>"
    let unkToken = "<unk>"
    let legacy = true
}

/// Bytes of a protocol buffer message as they are appended.
private struct ProtobufMessage {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ field: UInt64, integer: UInt64) {
        appendNumber(field << 3)
        appendNumber(integer)
    }

    mutating func append(_ field: UInt64, float: Float) {
        appendNumber(field << 3 | 5)
        for shift in [0, 8, 16, 24] {
            bytes.append(UInt8(truncatingIfNeeded: float.bitPattern >> shift))
        }
    }

    mutating func append(_ field: UInt64, bytes content: [UInt8]) {
        appendNumber(field << 3 | 2)
        appendNumber(UInt64(content.count))
        bytes += content
    }

    private mutating func appendNumber(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

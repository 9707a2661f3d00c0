internal import Foundation

/// A Llama in the one-file layout of `llama2.c`: seven numbers, then all weights as float32.
///
/// A matrix lies as [output, input], all layers of one kind together. Positions turn neighbouring elements of a head, where
/// Hugging Face's layout turns element `i` with `i + half`: rows of queries and keys change places on the way.
///
/// Reference: `run.c` of [llama2.c](https://github.com/karpathy/llama2.c), `memory_map_weights`; for the order of rows
/// `convert_llama_weights_to_hf.py` of `transformers`, `permute`.
public struct Llama2CCheckpoint: Sendable {
    /// The sizes in the file's header.
    public struct Header: Sendable, Hashable {
        public let hiddenSize: Int
        public let innerSize: Int
        public let layerCount: Int
        public let headCount: Int
        public let keyHeadCount: Int
        public let vocabularySize: Int
        public let positions: Int
        /// Whether the word embeddings are the projection to the vocabulary too.
        public let isTied: Bool

        var headSize: Int { hiddenSize / headCount }
        var keySize: Int { keyHeadCount * headSize }
    }

    /// The sizes of the model.
    public let header: Header
    private let file: MappedFile
    private let tensors: [Entry]

    /// A tensor of one layer, or of the whole model.
    private struct Entry {
        let name: String
        let shape: [Int]
        /// Where its bytes begin.
        let start: Int
        /// The width of the heads whose rows change places; `nil` for none.
        let headSize: Int?

        var byteCount: Int { shape.reduce(4, *) }
    }

    private static let headerLength = 28

    /// Maps a file and reads its header.
    ///
    /// - Throws: ``FileError`` if the file cannot be read, or is not as long as its header says.
    public init(path: String) throws(FileError) {
        let file = try MappedFile(path: path)
        func refusal(_ problem: String) -> FileError {
            FileError(
                path: path,
                problem: problem,
                hint: "is this a checkpoint of llama2.c's first version (export.py --version 0)?"
            )
        }
        guard file.byteCount > Self.headerLength else { throw refusal("is too short for a header") }
        let header = try Self.header(of: file, refusal)
        var entries: [Entry] = []
        // In numbers of which no product overflows.
        var position = Self.headerLength
        func add(_ names: [String], _ shape: [Int], headSize: Int? = nil) {
            for name in names {
                entries.append(Entry(name: name, shape: shape, start: position, headSize: headSize))
                position += shape.reduce(4, *)
            }
        }
        let (hidden, inner, key) = (header.hiddenSize, header.innerSize, header.keySize)
        func layers(_ name: String) -> [String] {
            (0..<header.layerCount).map { "model.layers.\($0).\(name).weight" }
        }
        add(["model.embed_tokens.weight"], [header.vocabularySize, hidden])
        add(layers("input_layernorm"), [hidden])
        add(layers("self_attn.q_proj"), [hidden, hidden], headSize: header.headSize)
        add(layers("self_attn.k_proj"), [key, hidden], headSize: header.headSize)
        add(layers("self_attn.v_proj"), [key, hidden])
        add(layers("self_attn.o_proj"), [hidden, hidden])
        add(layers("post_attention_layernorm"), [hidden])
        add(layers("mlp.gate_proj"), [inner, hidden])
        add(layers("mlp.down_proj"), [hidden, inner])
        add(layers("mlp.up_proj"), [inner, hidden])
        add(["model.norm.weight"], [hidden])
        // The angles of all positions, which follow from the sizes.
        position += 4 * header.positions * header.headSize
        if !header.isTied { add(["lm_head.weight"], [header.vocabularySize, hidden]) }
        guard position == file.byteCount else {
            throw refusal("has \(file.byteCount) bytes where its header asks for \(position)")
        }
        (self.file, self.header, tensors) = (file, header, entries)
    }

    private static func header(
        of file: MappedFile,
        _ refusal: (String) -> FileError
    ) throws(FileError) -> Header {
        let numbers = unsafe file.withUnsafeBytes(in: 0..<headerLength) { bytes in
            (0..<7).map {
                unsafe Int(
                    Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self))
                )
            }
        }
        let vocabulary = abs(numbers[5])
        // Larger sizes than any model has would overflow, and are a sign of another kind of file.
        let isSane = (numbers[0..<5] + [vocabulary, numbers[6]]).allSatisfy {
            (1...1 << 20).contains($0)
        }
        guard isSane, numbers[2] <= 1 << 10 else {
            throw refusal("its header has impossible sizes: \(numbers)")
        }
        guard numbers[0] % numbers[3] == 0, numbers[3] % numbers[4] == 0,
            (numbers[0] / numbers[3]) % 2 == 0
        else {
            throw refusal(
                "\(numbers[3]) heads and \(numbers[4]) key heads do not divide a width of \(numbers[0])"
            )
        }
        return Header(
            hiddenSize: numbers[0],
            innerSize: numbers[1],
            layerCount: numbers[2],
            headCount: numbers[3],
            keyHeadCount: numbers[4],
            vocabularySize: vocabulary,
            positions: numbers[6],
            isTied: numbers[5] > 0
        )
    }

    /// Writes `model.safetensors`, `config.json` and `generation_config.json` into a folder that exists.
    ///
    /// - Throws: ``SafetensorsError`` or ``FileError`` if a file cannot be written.
    public func write(into folder: String) throws {
        var writer = SafetensorsWriter(metadata: ["format": "pt"])
        for entry in tensors {
            unsafe writer.add(entry.name, .float32, shape: entry.shape) { sink in
                for range in ranges(of: entry) {
                    try unsafe file.withUnsafeBytes(in: range) { try unsafe sink($0) }
                }
            }
        }
        try writer.write(to: folder + "/model.safetensors")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        try AtomicFile.write(encoder.encode(Configuration(header)), to: folder + "/config.json")
        try AtomicFile.write(
            encoder.encode(GenerationConfiguration()),
            to: folder + "/generation_config.json"
        )
    }

    /// The bytes of a tensor in Hugging Face's order of rows.
    private func ranges(of entry: Entry) -> [Range<Int>] {
        guard let headSize = entry.headSize else {
            return [entry.start..<entry.start + entry.byteCount]
        }
        let rowLength = 4 * entry.shape[1]
        return (0..<entry.shape[0]).map { row in
            let (head, place) = row.quotientAndRemainder(dividingBy: headSize)
            let half = headSize / 2
            let source = head * headSize + place % half * 2 + place / half
            let start = entry.start + source * rowLength
            return start..<start + rowLength
        }
    }
}

/// `config.json` of such a model.
private struct Configuration: Encodable {
    let architectures = ["LlamaForCausalLM"]
    let modelType = "llama"
    let hiddenSize: Int
    let intermediateSize: Int
    let numHiddenLayers: Int
    let numAttentionHeads: Int
    let numKeyValueHeads: Int
    let vocabSize: Int
    let maxPositionEmbeddings: Int
    let tieWordEmbeddings: Bool
    let hiddenAct = "silu"
    let rmsNormEps = 1e-5
    let ropeTheta = 10000.0
    let bosTokenId = 1
    let eosTokenId = 2
    let torchDtype = "float32"

    init(_ header: Llama2CCheckpoint.Header) {
        hiddenSize = header.hiddenSize
        intermediateSize = header.innerSize
        numHiddenLayers = header.layerCount
        numAttentionHeads = header.headCount
        numKeyValueHeads = header.keyHeadCount
        vocabSize = header.vocabularySize
        maxPositionEmbeddings = header.positions
        tieWordEmbeddings = header.isTied
    }
}

/// `generation_config.json`: these models begin the next text, with the start token, where one ends.
private struct GenerationConfiguration: Encodable {
    let bosTokenId = 1
    let eosTokenId = [1, 2]
}

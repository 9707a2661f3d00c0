import Foundation
import GraftFormats
import GraftTorch
import Testing

/// Files of llama2.c that are made up here; real ones are read in `GraftTrainingTests`.
@Suite("Checkpoints of llama2.c")
struct Llama2CTests {
    /// One layer of width 8 with 2 heads and 1 key head, whose weights count up from 0.
    private func checkpoint(vocabulary: Int32 = -300, dropping: Int = 0) -> Data {
        let header: [Int32] = [8, 6, 1, 2, 1, vocabulary, 4]
        let count = 300 * 8 + 8 + 64 + 32 + 32 + 64 + 8 + 48 * 3 + 8 + 4 * 4
        let weights = (0..<count + (vocabulary < 0 ? 300 * 8 : 0)).map { Float($0) }
        let bytes =
            header.flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
            }
            + weights.flatMap { weight in
                (0..<4).map { UInt8(truncatingIfNeeded: weight.bitPattern >> (8 * $0)) }
            }
        return Data(bytes.dropLast(dropping))
    }

    private func vocabulary(_ count: Int) -> Data {
        var bytes: [UInt8] = [7, 0, 0, 0]
        for id in 0..<count {
            let text = id < 3 ? "x" : id < 259 ? "<0x\(id)>" : " w\(id)"
            let score = Float(-id)
            for number in [score.bitPattern, UInt32(text.utf8.count)] {
                bytes += (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
            }
            bytes += Array(text.utf8)
        }
        return Data(bytes)
    }

    private func written(_ data: Data, to folder: TemporaryFolder, _ name: String) throws -> String
    {
        try folder.write(Array(data), to: name)
    }

    @Test
    func `tensors get their names, and rows of queries and keys their places`() throws {
        let folder = try TemporaryFolder()
        let path = try written(checkpoint(), to: folder, "model.bin")
        let model = try Llama2CCheckpoint(path: path)
        #expect(!model.header.isTied && model.header.vocabularySize == 300)
        let target = folder.path
        try model.write(into: target)
        let tensors = try TensorFile(path: target + "/model.safetensors").tensors
        #expect(tensors.count == 12)
        func firsts(_ name: String) throws -> [Float] {
            let tensor = try #require(tensors["model.layers.0." + name + ".weight"])
            let values: [Float] = try tensor.values()
            return stride(from: 0, to: values.count, by: tensor.shape.last ?? 1).map { values[$0] }
        }
        // Queries begin behind 300 x 8 embeddings and a norm of 8; heads are 4 wide.
        let query: Float = 2408
        #expect(try firsts("self_attn.q_proj") == [0, 2, 1, 3, 4, 6, 5, 7].map { query + 8 * $0 })
        #expect(try firsts("self_attn.k_proj") == [0, 2, 1, 3].map { query + 64 + 8 * $0 })
        #expect(try firsts("self_attn.v_proj") == [0, 1, 2, 3].map { query + 96 + 8 * $0 })
        // w1, w2, w3 are gate, down and up.
        let gate = query + 64 + 32 + 32 + 64 + 8
        #expect(try firsts("mlp.gate_proj")[0] == gate)
        #expect(try firsts("mlp.down_proj")[0] == gate + 48)
        #expect(try firsts("mlp.up_proj")[0] == gate + 96)
        let head: [Float] = try #require(tensors["lm_head.weight"]).values()
        // The norm and the angles of four positions lie between.
        #expect(head[0] == gate + 144 + 8 + 16)
    }

    @Test
    func `files that are none, or cut off, are refused`() throws {
        let folder = try TemporaryFolder()
        func problem(_ data: Data) -> String {
            do {
                _ = try Llama2CCheckpoint(path: written(data, to: folder, "bad.bin"))
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(problem(checkpoint(dropping: 4)).contains("bytes where its header asks for"))
        #expect(problem(Data([1, 2, 3])).contains("too short"))
        #expect(problem(Data(repeating: 0xff, count: 4096)).contains("impossible sizes"))
        #expect(problem(checkpoint(vocabulary: 0)).contains("impossible sizes"))
        var odd = checkpoint()
        odd[12] = 3
        #expect(problem(odd).contains("do not divide a width of 8"))
    }

    @Test
    func `a vocabulary of another model is refused`() throws {
        let folder = try TemporaryFolder()
        let path = try written(vocabulary(300), to: folder, "tokenizer.bin")
        _ = try Llama2CTokenizer(path: path, count: 300)
        let other = #expect(throws: FileError.self) { try Llama2CTokenizer(path: path, count: 512) }
        #expect(other?.problem == "has 300 tokens where the model has 512")
        let cut = try written(vocabulary(300).dropLast(2), to: folder, "cut.bin")
        let error = #expect(throws: FileError.self) { try Llama2CTokenizer(path: cut, count: 300) }
        #expect(error?.problem.contains("ends behind the end of the file") == true)
    }
}

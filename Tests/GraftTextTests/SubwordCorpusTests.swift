import Foundation
import GraftText
import Testing

/// Text in some five hundred languages under published vocabularies, against hashes of what the references make of it.
@Suite(
    "Data sets against tokenizers 0.22.2, sentencepiece 0.2.1, tiktoken 0.14.0",
    .enabled(
        if: SharedData.isPresent,
        "the shared data sets are absent; set GRAFT_SHARED_DATA to their folder"
    )
)
struct SubwordCorpusTests {  // Tools/reference/subword.py
    private struct Row: Decodable {
        let tokenizer: String
        let folder: String
        let rows: Int
        let tokens: Int
        let hash: String
    }

    private struct Text: Decodable {
        let text: String?
        let paragraphs: [String]?
    }

    @Test(arguments: SharedTokenizer.allCases)
    func `every line has the tokens of the reference`(kind: SharedTokenizer) throws {
        let all: [Row] = try Fixture.decode("subword_corpus.json")
        let expected = all.filter { $0.tokenizer == kind.rawValue }
        try #require(expected.count == 2)
        let tokenizer = try kind.load()
        let options = EncodingOptions(
            addsSpecialTokens: kind.addsSpecialTokens,
            tracksSource: false
        )
        for row in expected {
            let folder = SharedData.folder.appending(path: row.folder).path(percentEncoded: false)
            let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            var hash = NumberHash()
            var (rows, tokens) = (0, 0)
            for file in files where file.hasSuffix(".jsonl.gz") {
                let lines = try SharedData.rows("\(row.folder)/\(file)", as: Text.self)
                let texts = lines.flatMap { $0.paragraphs ?? [$0.text ?? ""] }
                let inputs = texts.map { TextInput.text($0) }
                for encoding in tokenizer.encodeBatch(inputs, options: options) {
                    hash.add(encoding.count)
                    for id in encoding.ids { hash.add(id) }
                    tokens += encoding.count
                }
                rows += texts.count
            }
            #expect(rows == row.rows && tokens == row.tokens, "\(row.folder)")
            #expect(hash.description == row.hash, "\(row.folder)")
        }
    }

    private struct Passage: Decodable {
        let text: String
        let token_ids: [Int32]
        let bpe_tokens: [String]
    }

    @Test(arguments: [
        (SharedTokenizer.gpt2, "gpt2_encoded_tokens"), (.llama2, "llama_encoded"),
        (.llama3, "llama_3.2_encoded"), (.t5, "t5_base_encoded"),
    ])
    func `the passages of swift-transformers have their tokens`(
        kind: SharedTokenizer,
        name: String
    ) throws {
        let url = SharedData.folder.appending(path: "tokenizers/reference/\(name).json")
        let passage = try JSONDecoder().decode(Passage.self, from: Data(contentsOf: url))
        let tokenizer = try kind.load()
        let encoding = tokenizer.encode(passage.text)
        #expect(encoding.ids == passage.token_ids)
        let bare = tokenizer.encode(
            .text(passage.text),
            options: EncodingOptions(addsSpecialTokens: false)
        )
        #expect(bare.ids.map { tokenizer.token(of: $0) } == passage.bpe_tokens)
    }

    private struct Short: Decodable {
        struct Encoded: Decodable {
            let input_ids: [Int32]
        }

        let input: String
        let encoded: Encoded
    }

    @Test(arguments: [
        (SharedTokenizer.gpt2, "distilgpt2"),
        (.llama2, "coreml-projects/Llama-2-7b-chat-coreml"), (.t5, "t5-base"),
    ])
    func `the short inputs of swift-transformers have their tokens`(
        kind: SharedTokenizer,
        key: String
    ) throws {
        let url = SharedData.folder.appending(path: "tokenizers/reference/tokenizer_tests.json.gz")
        let all = try JSONDecoder().decode(
            [String: [Short]].self,
            from: SharedData.decompressed(url)
        )
        let rows = try #require(all[key])
        try #require(rows.count > 10)
        let tokenizer = try kind.load()
        for row in rows {
            #expect(tokenizer.encode(row.input).ids == row.encoded.input_ids, "\(row.input)")
        }
    }

    private struct Encoded: Decodable {
        let text: String
        let ids: [Int32]
    }

    @Test(arguments: [
        (SharedTokenizer.gpt2, "gpt-2"), (.llama2, "llama-spm"), (.llama3, "llama-bpe"),
    ])
    func `llama.cpp's inputs have their tokens`(kind: SharedTokenizer, name: String) throws {
        let rows = try SharedData.rows(
            "tokenizers/reference/llama_cpp_\(name).jsonl",
            as: Encoded.self
        )
        try #require(rows.count > 40)
        let tokenizer = try kind.load()
        let options = EncodingOptions(addsSpecialTokens: false)
        for row in rows {
            let ids = tokenizer.encode(.text(row.text), options: options).ids
            #expect(ids == row.ids, "\(row.text)")
        }
    }
}

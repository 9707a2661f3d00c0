import Foundation
import GraftText
import Testing

/// Real text in some five hundred languages, against hashes of what the reference makes of it.
@Suite(
    "Data sets against tokenizers 0.22.2",  // Tools/reference/wordpiece.py
    .enabled(
        if: SharedData.isPresent,
        "the shared data sets are absent; set GRAFT_SHARED_DATA to their folder"
    )
)
struct CorpusTests {
    private struct File: Decodable {
        let file: String
        let variant: String
        let rows: Int
        let tokens: Int
        let hash: String
    }

    private struct Row: Decodable {
        let text: String?
        let paragraphs: [String]?
    }

    @Test(arguments: ["uncased", "cased"])
    func `every line of the data sets has the tokens of the reference`(variant: String) throws {
        let all: [File] = try Fixture.decode("corpus.json")
        let files = all.filter { $0.variant == variant }
        try #require(files.count > 40)
        let tokenizer = try SharedData.bert(#"{"do_lower_case": \#(variant == "uncased")}"#)
        for file in files {
            let rows = try SharedData.rows(file.file, as: Row.self)
            let texts = rows.flatMap { $0.paragraphs ?? [$0.text ?? ""] }
            #expect(texts.count == file.rows, "\(file.file)")
            var hash = NumberHash()
            var tokens = 0
            for encoding in tokenizer.encodeBatch(texts.map { .text($0) }) {
                hash.add(encoding)
                tokens += encoding.count
            }
            #expect(tokens == file.tokens, "\(file.file)")
            #expect(hash.description == file.hash, "\(file.file)")
        }
    }

    private struct Encoded: Decodable {
        let text: String
        let ids: [Int32]
    }

    @Test(arguments: ["bert_squad_questions.jsonl.gz", "llama_cpp_bert-bge.jsonl"])
    func `other implementations agree where they know no added tokens`(name: String) throws {
        let tokenizer = try SharedData.bert("{}")
        let rows = try SharedData.rows("tokenizers/reference/\(name)", as: Encoded.self)
        try #require(rows.count > 40)
        let options = EncodingOptions(addsSpecialTokens: false)
        for row in rows {
            #expect(
                tokenizer.encode(.text(row.text), options: options).ids == row.ids,
                "\(row.text)"
            )
        }
    }

    private struct Passage: Decodable {
        let text: String
        let token_ids: [Int32]
        let bpe_tokens: [String]
    }

    @Test func `the passage of swift-transformers has its tokens`() throws {
        let url = SharedData.folder.appending(
            path: "tokenizers/reference/bert_uncased_encoded.json"
        )
        let passage = try JSONDecoder().decode(Passage.self, from: Data(contentsOf: url))
        let tokenizer = try SharedData.bert("{}")
        let encoding = tokenizer.encode(passage.text)
        #expect(encoding.ids == passage.token_ids)
        let words = zip(encoding.ids, encoding.isSpecial).filter { !$0.1 }.map { $0.0 }
        #expect(words.map { tokenizer.token(of: $0) } == passage.bpe_tokens)
    }

    private struct Short: Decodable {
        struct Encoded: Decodable {
            let input_ids: [Int32]
        }

        let input: String
        let encoded: Encoded
    }

    @Test func `the short inputs of swift-transformers have their tokens`() throws {
        let url = SharedData.folder.appending(path: "tokenizers/reference/tokenizer_tests.json.gz")
        let all = try JSONDecoder().decode(
            [String: [Short]].self,
            from: SharedData.decompressed(url)
        )
        let rows = try #require(all["bert-base-uncased"])
        try #require(rows.count > 15)
        let tokenizer = try SharedData.bert("{}")
        for row in rows {
            #expect(tokenizer.encode(row.input).ids == row.encoded.input_ids, "\(row.input)")
        }
    }
}

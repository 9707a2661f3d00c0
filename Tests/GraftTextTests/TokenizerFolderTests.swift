import Foundation
import GraftText
import Testing

/// What a user reads when a folder is not a tokenizer, or not one of ours.
@Suite struct TokenizerFolderTests {
    private func failure(_ files: [String: String]) throws -> String {
        let folder = try TemporaryFolder()
        for (name, text) in files { try folder.write(text, to: name) }
        let error = #expect(throws: TokenizerError.self) {
            _ = try TokenizerFolder(folder.url).load()
        }
        let description = try #require(error?.description)
        #expect(!description.contains("\n"))
        return description.replacingOccurrences(
            of: folder.url.path(percentEncoded: false),
            with: ""
        )
    }

    /// The tiny vocabulary's tokenizer.json with a part of its text replaced.
    private func failure(replacing part: String, with other: String) throws -> String {
        let url = Fixture.folder.appending(path: "uncased/tokenizer.json")
        let text = try String(contentsOf: url, encoding: .utf8)
        try #require(text.contains(part))
        return try failure(["tokenizer.json": text.replacingOccurrences(of: part, with: other)])
    }

    @Test func `an empty folder names what it lacks`() throws {
        #expect(try failure([:]).contains("no tokenizer.json, vocab.json with merges.txt"))
    }

    @Test(arguments: [
        ("", "tokenizer.json:1:1: not JSON: the text ends where a value should be"),
        ("{\n\"a\": nul}", "tokenizer.json:2:6: not JSON: expected a value"),
        ("{\"a\": 1,}", "tokenizer.json:1:9: not JSON: expected a name in quotes"),
        ("{\"a\": \"x", "tokenizer.json:1:9: not JSON: the text ends inside a string"),
        ("{\"a\": \"\\ud800\"}", "tokenizer.json:1:10: not JSON: half of a surrogate pair"),
        ("{} {}", "tokenizer.json:1:4: not JSON: something follows the value"),
        ("{\"a\": 01}", "tokenizer.json:1:8: not JSON: expected ',' or '}'"),
        ("{\"a\": -}", "tokenizer.json:1:8: not JSON: expected a value"),
        ("{\"a\": 1e999}", "tokenizer.json:1:7: not JSON: a number out of range"),
        (String(repeating: "[", count: 1000), "not JSON: values nest too deep"),
        ("[]", "tokenizer.json: top level: expected an object, found an array"),
        ("{}", "tokenizer.json: model: expected an object, found null"),
        ("{\"version\": \"2.0\"}", "version: 2.0 is not supported (supported: 1.0)"),
        ("{\"model\": {}, \"model\": {}}", "tokenizer.json: model: appears twice"),
    ])
    func `a tokenizer.json that is none says where`(text: String, message: String) throws {
        let description = try failure(["tokenizer.json": text])
        #expect(description.contains(message), "\(description)")
    }

    @Test(arguments: [
        (#""type":"WordPiece","unk"#, #""type":"Wordy","unk"#, "model.type: Wordy is not"),
        ("BertNormalizer", "NFKC", "normalizer.type: NFKC is not supported"),
        ("BertPreTokenizer", "ByteLevel", "pre_tokenizer.type: ByteLevel is not supported"),
        (
            "TemplateProcessing", "OtherProcessing",
            "post_processor.type: OtherProcessing is not"
        ),
        (#""type":"WordPiece","prefix"#, #""type":"Metaspace","prefix"#, "decoder.type: Metaspace"),
        (#""lowercase":true"#, #""lowercase":1"#, "normalizer.lowercase: expected true or false"),
        (#""clean_text""#, #""cleantext""#, "normalizer: cleantext is not known here"),
        (
            #""unk_token":"[UNK]""#, #""unk_token":"<unk>""#,
            "model.unk_token: <unk> is not in model"
        ),
        (
            #""[CLS]":2,"#, #""[CLS]":2.5,"#,
            "model.vocab.[CLS]: expected an integer, found a number"
        ),
        (#""[CLS]":2,"#, #""[CLS]":-2,"#, "model.vocab: id -2 of token [CLS] is out of range"),
        (#""[CLS]":2,"#, #""[CLS]":4000000000,"#, "id 4000000000 of token [CLS] is out of range"),
        (#""[CLS]":2,"#, #""[CLS]":2,"[CLS]":900,"#, "model.vocab: token [CLS] appears twice"),
        (#""[CLS]":2,"#, #""[CLS]":2,"new":2,"#, "tokens [CLS] and new both have id 2"),
        (
            #""id":2,"content""#, #""id":7,"content""#,
            "added_tokens[2]: token [CLS] has id 7 here and 2"
        ),
        (#""id":"A","type_id":0"#, #""id":"C","type_id":0"#, "expected A or B, found C"),
        (
            #""max_input_chars_per_word":100"#, #""max_input_chars_per_word":null"#,
            "per_word: expected"
        ),
    ])
    func `a tokenizer.json that we cannot follow names the field`(
        part: String,
        other: String,
        message: String
    ) throws {
        let description = try failure(replacing: part, with: other)
        #expect(description.hasPrefix("tokenizer.json: "), "\(description)")
        #expect(description.contains(message), "\(description)")
    }

    private static let specials = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"

    @Test(arguments: [
        ("", "vocab.txt: vocabulary: the file is empty"),
        ("a\nb\n", "vocab.txt: vocabulary: has no [UNK]"),
        (specials + "a\nb\na\n", "vocab.txt:8: token a is already on line 6"),
    ])
    func `a wrong vocab.txt says where`(text: String, message: String) throws {
        let description = try failure(["vocab.txt": text])
        #expect(description.contains(message), "\(description)")
    }

    @Test(arguments: [
        (
            #"{"tokenizer_class": "MPNetTokenizer"}"#,
            "tokenizer_class: MPNetTokenizer is not supported"
        ),
        (#"{"do_basic_tokenize": false}"#, "do_basic_tokenize: false is not supported"),
        (#"{"do_lower_case": "yes"}"#, "do_lower_case: expected true or false, found a string"),
        (#"{"unk_token": "<unk>"}"#, "unk_token: <unk> is not in vocab.txt"),
        (#"{"never_split": ["a"]}"#, "never_split: a list of words is not supported"),
        ("{", "tokenizer_config.json:1:2: not JSON"),
    ])
    func `rules beside vocab.txt that we cannot follow are refused`(
        text: String,
        message: String
    ) throws {
        let files = ["vocab.txt": Self.specials + "a\n", "tokenizer_config.json": text]
        let description = try failure(files)
        #expect(description.contains(message), "\(description)")
    }

    @Test func `bytes that are not UTF-8 are refused`() throws {
        let folder = try TemporaryFolder()
        let lines = Data(Self.specials.utf8) + Data([0xFF, 0x0A])
        try lines.write(to: folder.url.appending(path: "vocab.txt"))
        #expect {
            _ = try TokenizerFolder(folder.url).load()
        } throws: { error in
            "\(error)".hasSuffix("vocab.txt:6: not UTF-8")
        }
    }

    @Test func `a folder in place of a file cannot be read`() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(
            at: folder.url.appending(path: "tokenizer.json"),
            withIntermediateDirectories: true
        )
        #expect {
            _ = try TokenizerFolder(folder.url).load()
        } throws: { error in
            "\(error)".contains("tokenizer.json: cannot be read: ")
        }
    }

    @Test(arguments: ["\n", "\r\n"])
    func `vocab.txt with its configuration is a tokenizer`(lineEnd: String) throws {
        let folder = try TemporaryFolder()
        let tokens = ["<pad>", "<unk>", "[CLS]", "</s>", "[MASK]", "été", "ete", "##s"]
        try folder.write(tokens.map { $0 + lineEnd }.joined(), to: "vocab.txt")
        try folder.write(
            #"""
            {"tokenizer_class": "BertTokenizerFast", "do_lower_case": false, "pad_token": "<pad>",
             "unk_token": "<unk>", "sep_token": {"content": "</s>", "lstrip": false}}
            """#,
            to: "tokenizer_config.json"
        )
        let tokenizer = try TokenizerFolder(folder.url).load()
        #expect(tokenizer.vocabularySize == 8)
        #expect(tokenizer.encode("étés Été </s>").ids == [2, 5, 7, 1, 3, 3])
        #expect(tokenizer.decode([2, 5, 7, 1, 3, 3]) == "étés")
    }

    @Test func `a file from before models had types is WordPiece`() throws {
        let url = Fixture.folder.appending(path: "uncased/tokenizer.json")
        let text = try String(contentsOf: url, encoding: .utf8)
        let typed = #""type":"WordPiece","unk"#
        try #require(text.contains(typed))
        let folder = try TemporaryFolder()
        try folder.write(text.replacingOccurrences(of: typed, with: #""unk"#), to: "tokenizer.json")
        let tokenizer = try TokenizerFolder(folder.url).load()
        #expect(
            tokenizer.encode("hello").ids == (try Fixture.tokenizer("uncased")).encode("hello").ids
        )
    }
}

import GraftText
import Testing

@Suite("WordPiece against tokenizers 0.22.2")  // Tools/reference/wordpiece.py, seed 20261123
struct EncodingParityTests {
    private static let variants = [
        "uncased", "cased", "stripped", "lower", "raw", "unclean", "added", "processing", "plain",
        "prefix", "odd",
    ]

    private func cases(_ variant: String) throws -> [EncodingCase] {
        let all: [EncodingCase] = try Fixture.decode("cases.json")
        let cases = all.filter { $0.variant == variant }
        try #require(cases.count > 50)
        return cases
    }

    @Test(arguments: variants)
    func `ids, type ids, offsets and words equal the reference`(variant: String) throws {
        let tokenizer = try Fixture.tokenizer(variant)
        for row in try cases(variant) {
            let encoding = tokenizer.encode(row.input, options: row.options)
            #expect(encoding == row.expected, "\(String(describing: row.input).prefix(200))")
        }
    }

    @Test(arguments: variants)
    func `decoded text equals the reference`(variant: String) throws {
        let tokenizer = try Fixture.tokenizer(variant)
        for row in try cases(variant) {
            let (plain, full) = (row.decoded, row.decodedWithSpecial)
            let decoded = tokenizer.decode(row.ids, skippingSpecialTokens: true)
            #expect(decoded.utf8.elementsEqual(plain.utf8), "\(decoded) is not \(plain)")
            let withSpecial = tokenizer.decode(row.ids, skippingSpecialTokens: false)
            #expect(withSpecial.utf8.elementsEqual(full.utf8), "\(withSpecial) is not \(full)")
        }
    }

    @Test(arguments: variants)
    func `leaving out the source changes no id`(variant: String) throws {
        let tokenizer = try Fixture.tokenizer(variant)
        for row in try cases(variant) {
            var options = row.options
            options.tracksSource = false
            let encoding = tokenizer.encode(row.input, options: options)
            #expect(encoding.ids == row.ids)
            #expect(encoding.typeIDs == row.typeIds)
            #expect(encoding.isSpecial == row.expected.isSpecial)
            #expect(encoding.offsets.isEmpty && encoding.wordIDs.isEmpty)
        }
    }

    @Test func `a batch is the encodings of its rows in order`() throws {
        let tokenizer = try Fixture.tokenizer("uncased")
        let inputs = (0..<1000).map {
            TextInput.text(String(repeating: "unwanted ", count: $0 % 37))
        }
        let alone = inputs.map { tokenizer.encode($0, options: EncodingOptions()) }
        #expect(tokenizer.encodeBatch(inputs) == alone)
        #expect(tokenizer.encodeBatch(Array(inputs.prefix(5))) == Array(alone.prefix(5)))
        #expect(tokenizer.encodeBatch([]).isEmpty)
    }

    @Test(arguments: 0...3)
    func `a limit below the special tokens leaves them alone`(limit: Int) throws {
        let tokenizer = try Fixture.tokenizer("uncased")
        let pair = tokenizer.encode("hello", pair: "world", maxLength: limit)
        #expect(pair.isSpecial == [true, true, true])
        let single = tokenizer.encode("hello", maxLength: min(limit, 2))
        #expect(single.isSpecial == [true, true])
    }

    @Test func `tokens and ids are told apart byte by byte`() throws {
        let tokenizer = try Fixture.tokenizer("uncased")
        for id in 0..<Int32(tokenizer.vocabularySize) {
            let token = try #require(tokenizer.token(of: id))
            #expect(tokenizer.id(of: token) == id)
        }
        #expect(tokenizer.id(of: "caf\u{e9}") != nil)
        #expect(tokenizer.id(of: "cafe\u{301}") == nil)
        #expect(tokenizer.token(of: -1) == nil)
        #expect(tokenizer.token(of: Int32(tokenizer.vocabularySize)) == nil)
        #expect(tokenizer.decode([-1, 1_000_000]).isEmpty)
    }
}

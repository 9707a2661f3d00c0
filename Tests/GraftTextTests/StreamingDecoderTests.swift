import Foundation
import GraftText
import Testing

/// Tokens that come one by one.
@Suite struct StreamingDecoderTests {
    private static let texts = [
        "Hello world, it's 12:30!", "  two  spaces ", "Köln 👩‍👩‍👧‍👦🇩🇪 日本語 한국어",
        "e\u{301}\u{316} שלום عليكم",
        "", "\u{FFFD} a \u{FFFD}\u{FFFD}", "line\n\nline\r\n\tx", "ends in 👍",
    ]

    @Test(arguments: [
        "gpt2", "roberta", "llama3", "qwen2", "fallback", "metaspace", "unigram", "first", "bytes",
    ])
    func `what is given out is what decoding at once gives`(variant: String) throws {
        let tokenizer = try Fixture.tokenizer(variant)
        var decoder = StreamingDecoder(tokenizer)
        for text in Self.texts {
            let ids = tokenizer.encode(text).ids
            var streamed = ""
            for id in ids {
                let part = decoder.append(id)
                // Characters are given out whole, but for replacement characters of the text itself.
                if !text.contains("\u{FFFD}") { #expect(!part.contains("\u{FFFD}"), "\(text)") }
                streamed += part
            }
            streamed += decoder.finish()
            let whole = tokenizer.decode(ids)
            #expect(streamed.utf8.elementsEqual(whole.utf8), "\(streamed) is not \(whole)")
        }
    }

    @Test func `bytes of one character are kept back until it is complete`() throws {
        let tokenizer = try Fixture.tokenizer("gpt2")
        let letters = try ["ð", "Ł", "ĳ", "Ĥ"].map { try #require(tokenizer.id(of: $0)) }
        var decoder = StreamingDecoder(tokenizer)
        #expect(letters.prefix(3).map { decoder.append($0) } == ["", "", ""])
        #expect(decoder.finish() == tokenizer.decode(Array(letters.prefix(3))))
        let bytes = Array("👍".utf8)
        let spelt = bytes.map { byte -> String in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: String(Unicode.Scalar(byte))
            default:
                String(
                    Unicode.Scalar(0x100 + UInt32(byte) - (byte < 0x21 ? 0 : 0x7F - 0x21)) ?? "?"
                )
            }
        }
        let ids = try spelt.map { try #require(tokenizer.id(of: $0)) }
        #expect(ids.map { decoder.append($0) } == ["", "", "", "👍"])
        #expect(decoder.finish().isEmpty)
    }
}

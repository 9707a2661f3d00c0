import GraftText
import Testing

@Suite("Every Unicode scalar against tokenizers 0.22.2")  // Tools/reference/wordpiece.py
struct UnicodeSweepTests {
    private struct Plane: Decodable {
        let normalized: String
        let encoded: String
    }

    @Test(arguments: ["uncased", "stripped", "lower", "raw"])
    func `normalized text and tokens have the hashes of the reference`(variant: String) throws {
        let hashes: [String: [Plane]] = try Fixture.decode("unicode.json")
        let tokenizer = try #require(try Fixture.tokenizer(variant) as? WordPieceTokenizer)
        let expected = try #require(hashes[variant])
        try #require(expected.count == 17)
        for (plane, hash) in expected.enumerated() {
            var (normalized, encoded) = (NumberHash(), NumberHash())
            for page in UInt32(plane) << 8..<UInt32(plane + 1) << 8 {
                let text = UnicodeSweep.text(page: page)
                for scalar in tokenizer.normalized(text).unicodeScalars {
                    normalized.add(scalar.value)
                }
                encoded.add(tokenizer.encode(text))
            }
            #expect(normalized.description == hash.normalized, "plane \(plane)")
            #expect(encoded.description == hash.encoded, "plane \(plane)")
        }
    }
}

/// Text with every Unicode scalar.
enum UnicodeSweep {
    /// Each scalar of a page of 256, in a word of its own and among marks; as in `wordpiece.py`.
    static func text(page: UInt32) -> String {
        var text = String.UnicodeScalarView()
        for value in page << 8..<(page + 1) << 8 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            text.append("A")
            text.append(scalar)
            text.append(contentsOf: "b ".unicodeScalars)
            text.append(scalar)
            text.append(contentsOf: "\u{301}\u{316}a\u{334}".unicodeScalars)
            text.append(scalar)
            text.append(" ")
        }
        return String(text)
    }
}

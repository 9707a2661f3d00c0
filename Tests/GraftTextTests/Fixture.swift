import Foundation
import GraftText

/// What `Tools/reference/wordpiece.py` wrote.
enum Fixture {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures", directoryHint: .isDirectory)

    static func decode<Value: Decodable>(_ name: String) throws -> Value {
        let data = try Data(contentsOf: folder.appending(path: name))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Value.self, from: data)
    }

    static func tokenizer(_ variant: String) throws -> any Tokenizer {
        try TokenizerFolder(folder.appending(path: variant, directoryHint: .isDirectory)).load()
    }
}

/// An input and what the reference made of it.
struct EncodingCase: Decodable, Sendable {
    let variant: String
    let text: String?
    let pair: String?
    let words: [String]?
    let maxLength: Int?
    let addSpecial: Bool
    let `repeat`: Int
    let ids: [Int32]
    let typeIds: [Int32]
    let offsets: [Int]
    let wordIds: [Int32?]
    let special: [Int]
    let decoded: String
    let decodedWithSpecial: String

    var input: TextInput {
        if let words { return .words(words) }
        let text = String(repeating: text ?? "", count: `repeat`)
        return pair.map { .pair(text, $0) } ?? .text(text)
    }

    var options: EncodingOptions {
        EncodingOptions(maxLength: maxLength, addsSpecialTokens: addSpecial)
    }

    var expected: Encoding {
        var encoding = Encoding()
        encoding.ids = ids
        encoding.typeIDs = typeIds
        encoding.offsets = stride(from: 0, to: offsets.count, by: 2).map { index in
            offsets[index]..<offsets[index + 1]
        }
        encoding.wordIDs = wordIds
        encoding.isSpecial = special.map { $0 == 1 }
        return encoding
    }
}

/// FNV-1a with 64 bits, fed with whole numbers; as in `wordpiece.py`.
struct NumberHash {
    private var value: UInt64 = 0xCBF2_9CE4_8422_2325

    var description: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    mutating func add(_ number: some BinaryInteger) {
        value = (value ^ UInt64(truncatingIfNeeded: number)) &* 0x0000_0100_0000_01B3
    }

    mutating func add(_ encoding: Encoding) {
        add(encoding.count)
        for id in encoding.ids { add(id) }
        for id in encoding.typeIDs { add(id) }
        for range in encoding.offsets {
            add(range.lowerBound)
            add(range.upperBound)
        }
        for word in encoding.wordIDs { add(word.map { $0 + 1 } ?? 0) }
        for isSpecial in encoding.isSpecial { add(isSpecial ? 1 : 0) }
    }
}

internal import Foundation
internal import GraftData

/// The model of 16 hidden dimensions from the test fixtures, with a vocabulary, in a folder that goes
/// with this value.
final class TinyModel: Sendable {
    /// The folder.
    let folder: URL

    /// Where the folder is.
    var path: String { folder.path(percentEncoded: false) }

    private static let words = [
        "good", "bad", "fine", "awful", "film", "book", "song", "play", "the", "is", "very", "##s",
    ]

    init() throws {
        let source = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../../Tests/Fixtures/bert/h16"
        )
        folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.copyItem(at: source.standardizedFileURL, to: folder)
        let known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + TinyModel.words
        let vocabulary = known + (known.count..<64).map { "filler\($0)" }
        try Data(vocabulary.joined(separator: "\n").utf8)
            .write(to: folder.appending(path: "vocab.txt"))
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Rows of two classes in the model's words.
    static func jsonLines(_ count: Int) -> String {
        (0..<count).map { row in
            let subject = words[4 + row % 4] + (row % 3 == 0 ? "s" : "")
            let middle = String(repeating: " very", count: row % 5)
            let text = "the \(subject) is\(middle) \(words[row / 2 % 4])"
            return "{\"text\": \"\(text)\", \"label\": \"\(row % 2 == 0 ? "yes" : "no")\"}"
        }.joined(separator: "\n")
    }

    /// The rows of a JSON lines file.
    static func dataset(_ lines: [UInt8]) throws -> Dataset {
        try Dataset(
            parsing: lines,
            named: "rows.jsonl",
            schema: RowSchema(.text, target: .category),
            format: .jsonLines
        )
    }
}

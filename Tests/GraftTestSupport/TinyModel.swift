internal import Foundation
package import GraftTorch
package import GraftTraining

/// A BERT of 16 hidden dimensions, or another model of `Tests/Fixtures`, with a vocabulary: a model folder that
/// costs milliseconds.
///
/// The folder stays until the process ends, since a model reads its tokenizer's file again when it is identified.
package struct TinyModel: Sendable {
    /// The model.
    package let base: BaseModel

    /// The words of the vocabulary, besides special tokens and fillers.
    package static let words = [
        "good", "bad", "fine", "awful", "great", "poor", "film", "book", "song", "play", "the", "a",
        "is",
        "was", "very", "not", "alice", "bob", "paris", "rome", "##s", "##ly",
    ]

    /// Makes a folder and loads it.
    ///
    /// - Parameters:
    ///   - name: A folder of `Tests/Fixtures`.
    ///   - dtype: The element type to compute in.
    ///   - settings: What `config.json` says differently.
    /// - Throws: What loading the folder throws.
    package init(
        _ name: String = "bert/h16",
        dtype: DType = .float32,
        settings: [String: any Sendable] = [:]
    ) throws {
        let folder = try TemporaryFolder.untilExit()
        let source = Fixture.folder.appending(path: name)
        let target = URL(filePath: folder)
        for file in try FileManager.default.contentsOfDirectory(
            atPath: source.path(percentEncoded: false)
        ) where file.hasPrefix("model") || file.hasPrefix("preprocessor") {
            try FileManager.default.createSymbolicLink(
                at: target.appending(path: file),
                withDestinationURL: source.appending(path: file)
            )
        }
        let config = try Data(contentsOf: source.appending(path: "config.json"))
        var fields = try JSONSerialization.jsonObject(with: config) as? [String: Any] ?? [:]
        fields.merge(settings) { $1 }
        try JSONSerialization.data(withJSONObject: fields)
            .write(to: target.appending(path: "config.json"))
        let known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + TinyModel.words
        let vocabulary = known + (known.count..<64).map { "filler\($0)" }
        try Data(vocabulary.joined(separator: "\n").utf8)
            .write(to: target.appending(path: "vocab.txt"))
        base = try BaseModel(path: folder, dtype: dtype, device: testDevice)
    }
}

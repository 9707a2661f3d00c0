import Foundation
import GraftFormats
import GraftTestSupport
import GraftTorch
import GraftTraining

/// A folder with a tiny model and labelled rows, in which commands run.
final class Workshop: Sendable {
    private let folder: TemporaryFolder
    private let tiny: TinyModel

    /// The folder.
    var path: String { folder.path }
    /// The model's folder.
    var model: String { tiny.base.path }

    /// Makes the folder and its rows.
    ///
    /// - Parameter model: The folder of `Tests/Fixtures` with the model.
    /// - Throws: What loading the model throws.
    init(model: String = "bert/h16") throws {
        folder = try TemporaryFolder()
        tiny = try TinyModel(model)
        let rows = (0..<48).map { number -> String in
            let subject = ["film", "book", "song", "play"][number % 4]
            let isGood = number % 3 != 0
            let word = isGood ? ["good", "fine", "great"][number % 3] : "awful"
            return """
                {"id": "r\(number)", "text": "the \(subject) was very \(word)", \
                "label": "\(isGood ? "positive" : "negative")"}
                """
        }
        try write(rows.joined(separator: "\n"), to: "train.jsonl")
        try write(rows.prefix(12).joined(separator: "\n"), to: "eval.jsonl")
    }

    /// Writes a file.
    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path + "/" + name))
    }

    /// Copies a file of `Tests/Fixtures/images` to some places.
    func copyPicture(_ picture: String, to names: String...) throws {
        let source = Fixture.folder.appending(path: "images/" + picture)
        for name in names {
            let target = URL(filePath: path).appending(path: name)
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try FileManager.default.copyItem(at: source, to: target)
        }
    }

    /// The bytes of a file.
    func bytes(_ name: String) throws -> Data {
        try Data(contentsOf: URL(filePath: path + "/" + name))
    }

    /// Whether a file or folder is there.
    func holds(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: path + "/" + name)
    }

    /// The names in a folder; none if it is not there.
    func contents(_ name: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: path + "/" + name)) ?? []
    }

    /// Copies the model, for a test that damages it.
    ///
    /// - Returns: The URL of the copy's weights.
    func copyModel(to name: String) throws -> URL {
        let target = URL(filePath: path).appending(path: name)
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        for file in ["config.json", "model.safetensors", "vocab.txt"] {
            try FileManager.default.copyItem(
                at: URL(filePath: model).appending(path: file).resolvingSymlinksInPath(),
                to: target.appending(path: file)
            )
        }
        return target.appending(path: "model.safetensors")
    }

    /// Runs a command here.
    func graft(_ arguments: String...) async throws -> GraftCommand.Outcome {
        try await GraftCommand.run(arguments, in: path)
    }

    /// The arguments of a short run, and more.
    func training(output: String, _ more: String...) -> [String] { training(output, more) }

    /// Trains an adapter in a short run.
    func train(output: String, _ more: String...) async throws -> GraftCommand.Outcome {
        try await GraftCommand.run(training(output, more), in: path)
    }

    /// Trains an adapter in a short run on a file, and scores it on another.
    func train(
        on rows: String,
        scoredOn evaluation: String,
        output: String = "a",
        _ more: String...
    ) async throws -> GraftCommand.Outcome {
        let files = ["--train", rows, "--eval", evaluation]
        return try await GraftCommand.run(training(output, files + more), in: path)
    }

    /// Writes an adapter anew with other tensors.
    func rewriteAdapter(
        _ name: String,
        _ change: (inout [String: Tensor]) throws -> Void
    ) throws {
        var bundle = try AdapterBundle(path: path + "/" + name)
        // Out of the mapping before the file is replaced.
        bundle.tensors = try bundle.tensors.mapValues {
            try Tensor($0.values() as [Float], shape: $0.shape)
        }
        try change(&bundle.tensors)
        try bundle.write(to: path + "/" + name)
    }

    /// Asks an adapter about one text; the model is the workshop's own unless `model` names another.
    func predict(
        _ text: String,
        adapter: String,
        model: String? = nil
    ) async throws -> GraftCommand.Outcome {
        let arguments = [
            "predict", "--model", model ?? self.model, "--adapter", adapter, "--text", text,
        ]
        return try await GraftCommand.run(arguments, in: path)
    }

    /// Scores an adapter; the model is the workshop's own unless `model` names another.
    func eval(
        _ adapter: String,
        on rows: String,
        model: String? = nil,
        _ more: String...
    ) async throws -> GraftCommand.Outcome {
        let arguments = [
            "eval", "--model", model ?? self.model, "--adapter", adapter, "--data", rows,
        ]
        return try await GraftCommand.run(arguments + more, in: path)
    }

    private func training(_ output: String, _ more: [String]) -> [String] {
        // Of most options the last counts, but rows are read from one file.
        let rows = more.contains("--train") ? [] : ["--train", "train.jsonl"]
        return ["train", "--model", model] + rows
            + ["--epochs", "2", "--batch", "8", "--quiet", "--output", output] + more
    }
}

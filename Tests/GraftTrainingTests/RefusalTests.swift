import Foundation
import GraftAdapters
import GraftData
import GraftFormats
import GraftLayers
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

/// What would train or answer something else than was asked for is refused before it costs time.
@Suite("Refusals")
struct RefusalTests {
    private func description(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test
    func `a metric that the task does not have is refused before the first step`() throws {
        let base = try TinyModel().base
        let run = TrainingRun { $0.metric = .entityF1 }
        let found = description { _ = try run(base) }
        #expect(found.contains("entity_f1") && found.contains("accuracy"))
    }

    @Test
    func `pairs for an adapter of single texts are refused`() throws {
        let base = try TinyModel().base
        let run = TrainingRun { $0.epochs = 1 }
        let bundle = AdapterBundle(
            method: try AdapterRegistry.builtin.method(named: run.method),
            methodName: run.method,
            head: run.task.head,
            labels: run.task.labels,
            maxLength: 32,
            base: try base.identity(),
            provenance: [:],
            tensors: try run(base).tensors
        )
        let predictor = try Predictor(base, adapter: bundle)
        let pairs = try Dataset(
            parsing: Array(#"{"text": "the film", "text_b": "is good"}"#.utf8),
            named: "pairs.jsonl",
            schema: RowSchema(.text, target: nil),
            format: .jsonLines
        )
        let found = description { _ = try predictor.encode(pairs, labelled: false) }
        #expect(found.contains("pairs.jsonl") && found.contains("single texts"))
    }

    @Test
    func `a method that acts nowhere is refused`() throws {
        let base = try TinyModel().base
        var run = TrainingRun()
        run.method = "seq_bn[leave_out=[0,1]]"
        let found = description { _ = try run.trainer(base) }
        #expect(found.contains("acts nowhere") && found.contains("leave_out"))
    }

    @Test
    func `a stored adapter whose labels do not fit its head is refused`() throws {
        let base = try TinyModel().base
        let run = TrainingRun { $0.epochs = 1 }
        let folder = try TemporaryFolder()
        let bundle = AdapterBundle(
            method: try AdapterRegistry.builtin.method(named: run.method),
            methodName: run.method,
            head: run.task.head,
            labels: ["only one"],
            maxLength: 32,
            base: try base.identity(),
            provenance: [:],
            tensors: try run(base).tensors
        )
        try bundle.write(to: folder.path + "/adapter")
        let found = description { _ = try AdapterBundle(path: folder.path + "/adapter") }
        #expect(found.contains("adapter_config.json") && found.contains("labels"))
    }

    @Test
    func `a state whose counts contradict each other is refused`() throws {
        let base = try TinyModel().base
        let run = TrainingRun { ($0.epochs, $0.checkpointInterval) = (2, 2) }
        let folder = try TemporaryFolder()
        let checkpoint = CheckpointFolder(path: folder.path + "/state", fingerprint: "a")
        let rows = try run.task.rows(base.tokenizer)
        _ = try run.trainer(base).run(on: rows, evaluation: rows, checkpoint: checkpoint)
        let latest = try #require(
            FileManager.default.contentsOfDirectory(atPath: checkpoint.path)
                .first { $0.hasPrefix("step-") }
        )
        let file = "\(checkpoint.path)/\(latest)/progress.json"
        let stored = try String(contentsOfFile: file, encoding: .utf8)
        let changed = stored.replacingOccurrences(of: "\"bestEpoch\":", with: "\"bestEpoch\":9")
        #expect(changed != stored)
        try changed.write(toFile: file, atomically: true, encoding: .utf8)
        let found = description { _ = try checkpoint.read(options: run.options) }
        #expect(found.contains("damaged"))
    }
}

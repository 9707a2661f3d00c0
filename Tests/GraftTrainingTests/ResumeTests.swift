import Foundation
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

@Suite("Interrupted runs")
struct ResumeTests {
    // Three steps are an epoch; twelve are the run.
    @Test(arguments: [1, 2, 3, 4, 6, 11, 12])
    func `a run goes on as if it had not been interrupted`(step: Int) throws {
        let base = try droppingModel().base
        let run = TrainingRun { $0.workers = 2 }
        let whole = try run(base)
        let rows = try run.task.rows(base.tokenizer)
        let resumed = try outcome(interruptedAfter: step, on: rows) { try run.trainer(base) }
        try expectSame(resumed, whole)
        #expect(resumed.rows == 8 * (12 - step))
    }

    // Ranks are taken away in steps 3 to 9.
    @Test(arguments: [2, 5, 8, 9, 11])
    func `a rule between steps goes on as if it had not been interrupted`(step: Int) throws {
        let base = try droppingModel().base
        var run = TrainingRun()
        run.method = "adalora[init_r=4,target_r=1,tinit=2,tfinal=3]"
        let whole = try run(base)
        let rows = try run.task.rows(base.tokenizer)
        let resumed = try outcome(interruptedAfter: step, on: rows) { try run.trainer(base) }
        try expectSame(resumed, whole)
        // The last epoch, if it is the best, has one rank on average.
        let factors = try whole.tensors.filter { $0.key.hasSuffix(".lora_E") }
            .flatMap { try $0.value.values() as [Float] }
        #expect(factors.count == 16)
        if whole.bestEpoch == 4 { #expect(factors.count { $0 != 0 } == 4) }
    }

    @Test
    func `a run that is interrupted twice goes on too`() throws {
        let base = try droppingModel().base
        let run = TrainingRun()
        let whole = try run(base)
        let rows = try run.task.rows(base.tokenizer)
        let resumed = try outcome(interruptedAfter: 2, 7, on: rows) { try run.trainer(base) }
        try expectSame(resumed, whole)
    }

    @Test
    func `checkpoints come at their interval, and only the last stays`() throws {
        let base = try TinyModel().base
        let run = TrainingRun { $0.checkpointInterval = 5 }
        let temporary = try TemporaryFolder()
        let folder = CheckpointFolder(path: temporary.path + "/checkpoint", fingerprint: "run")
        let rows = try run.task.rows(base.tokenizer)
        var steps: [Int] = []
        _ = try run.trainer(base).run(
            on: rows,
            evaluation: nil,
            checkpoint: folder,
            onEvent: { if case .checkpoint(_, let step) = $0 { steps.append(step) } }
        )
        #expect(steps == [5, 10])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["step-10"])
        #expect(try folder.read(options: run.options).step == 10)
        folder.remove()
        #expect(!FileManager.default.fileExists(atPath: folder.path))
    }

    @Test
    func `a state of another run is refused`() throws {
        let base = try TinyModel().base
        let run = TrainingRun()
        let temporary = try TemporaryFolder()
        let path = temporary.path + "/checkpoint"
        let folder = CheckpointFolder(path: path, fingerprint: "run")
        func reason(_ folder: CheckpointFolder, _ options: TrainingOptions) -> String {
            let error = #expect(throws: TrainingError.self) { try folder.read(options: options) }
            guard case .resume(_, let reason) = error else { return "" }
            return reason
        }
        #expect(reason(folder, run.options) == "there is no checkpoint here")
        let rows = try run.task.rows(base.tokenizer)
        try run.trainer(base).interrupt(after: 2, on: rows, folder)
        let other = CheckpointFolder(path: path, fingerprint: "another run")
        #expect(reason(other, run.options).contains("another model, method, head or data"))
        func expect(_ told: String, _ change: (inout TrainingOptions) -> Void) {
            var options = run.options
            change(&options)
            let reason = reason(folder, options)
            #expect(reason.hasPrefix("the interrupted run has \(told)"), "\(reason)")
        }
        expect("--seed 5 instead of 6") { $0.seed += 1 }
        expect("--learning-rate ") { $0.learningRate *= 2 }
        expect("--workers ") { $0.workers += 1 }
        expect("--batch 8 instead of 4") { $0.batchSize = 4 }
        expect("--epochs 4 instead of 9, --warmup ") { ($0.epochs, $0.warmup) = (9, 0.5) }
        expect("other settings") { $0.optimizer.beta1 = 0.5 }
        #expect(try folder.read(options: run.options).step == 2)

        let progress = URL(filePath: path + "/step-2/progress.json")
        try Data("{".utf8).write(to: progress)
        #expect(reason(folder, run.options) == "progress.json is damaged")
    }
}

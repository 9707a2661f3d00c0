import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

extension Trainer {
    /// Trains on rows, which it evaluates too, until a step of the run, and stops with a state in `folder`.
    func interrupt(
        after step: Int,
        on rows: EncodedRows,
        _ folder: CheckpointFolder,
        resuming state: TrainingState? = nil
    ) {
        var done = state?.step ?? 0
        #expect(throws: TrainingError.interrupted(step: step, checkpoint: folder.path)) {
            try run(
                on: rows,
                evaluation: rows,
                checkpoint: folder,
                resuming: state,
                shouldStop: {
                    done += 1
                    return done == step
                }
            )
        }
    }
}

/// Interrupts a run after each of some steps, and lets a new trainer go on each time: to the end after the last.
func outcome(
    interruptedAfter steps: Int...,
    on rows: EncodedRows,
    trainer: () throws -> Trainer
) throws -> Trainer.Outcome {
    let temporary = try TemporaryFolder()
    let folder = CheckpointFolder(path: temporary.path + "/checkpoint", fingerprint: "run")
    var state: TrainingState?
    for step in steps {
        let trainer = try trainer()
        trainer.interrupt(after: step, on: rows, folder, resuming: state)
        state = try folder.read(options: trainer.options)
    }
    return try trainer().run(on: rows, evaluation: rows, resuming: state)
}

/// Confirms that two runs made the same steps and came to the same bits.
func expectSame(_ found: Trainer.Outcome, _ wanted: Trainer.Outcome) throws {
    #expect(found.steps == wanted.steps)
    #expect(found.epochs == wanted.epochs)
    #expect(found.bestEpoch == wanted.bestEpoch)
    #expect(Set(found.tensors.keys) == Set(wanted.tensors.keys))
    for (name, tensor) in wanted.tensors {
        try expectIdentical(try #require(found.tensors[name]), tensor, name)
    }
}

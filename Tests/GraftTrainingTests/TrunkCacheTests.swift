import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

/// What lies below the first trained block is computed once, and that changes no bit.
@Suite("Trunk cache")
struct TrunkCacheTests {
    private func tensors(
        _ method: String,
        workers: Int,
        memory: Int
    ) throws -> (tensors: [String: Tensor], losses: [Double?]) {
        var run = TrainingRun { ($0.epochs, $0.workers) = (3, workers) }
        run.method = method
        let base = try droppingModel().base
        let rows = try run.task.rows(base.tokenizer)
        let outcome = try run.trainer(base).run(on: rows, evaluation: rows, trunkMemory: memory)
        return (outcome.tensors, outcome.epochs.map { $0.metrics?[.loss] })
    }

    /// All in memory; a row or two in memory and the rest in a file; with two workers.
    @Test(
        arguments: ["double_seq_bn[reduction_factor=4,leave_out=[0]]", "head"],
        [(1, 1 << 20), (1, 2048), (2, 1 << 20), (2, 1)]
    )
    func `an adapter is the same with and without`(
        method: String,
        setting: (workers: Int, memory: Int)
    ) throws {
        let with = try tensors(method, workers: setting.workers, memory: setting.memory)
        let without = try tensors(method, workers: setting.workers, memory: 0)
        #expect(with.losses == without.losses)
        #expect(!with.tensors.isEmpty)
        for (name, tensor) in with.tensors {
            try expectIdentical(tensor, try #require(without.tensors[name]), name)
        }
    }

    /// All in memory; a row or two in memory and the rest in a file.
    @Test(
        .enabled(if: testDevice == .cpu, "on a device trunks are not kept"),
        arguments: [1 << 20, 256]
    )
    func `each row is computed once, whatever rows it is asked for with`(memory: Int) throws {
        var run = TrainingRun()
        run.method = "head"
        let base = try droppingModel().base
        let rows = try run.task.rows(base.tokenizer)
        let model = try run.trainer(base).model
        let made = TrunkCache(model, rows: rows.count, passes: 2, memory: memory)
        let cache = try #require(made, "this processor's products do not keep rows")
        func states(_ wanted: [Int]) throws -> Tensor {
            try cache.trunk(of: wanted, in: rows, rows.batch(wanted)).hidden
        }
        let first = try states([3, 0, 7])
        #expect(cache.computedCount == 3)
        // Two are known, two are not.
        let mixed = try states([7, 1, 3, 2])
        #expect(cache.computedCount == 5)
        try expectIdentical(mixed.narrowed(0..<1), first.narrowed(2..<3))
        try expectIdentical(mixed.narrowed(2..<3), first.narrowed(0..<1))
        let all = Array(0..<rows.count)
        let whole = try states(all)
        try expectIdentical(try states(all.reversed()).narrowed(0..<1), whole.narrowed(23..<24))
        #expect(cache.computedCount == rows.count)
        #expect(memory > 256 ? cache.fileCount == 0 : cache.fileCount > 0)
    }

    @Test
    func `the trunk drops nothing, and what is above it does`() throws {
        let base = try droppingModel().base
        let run = TrainingRun()
        let rows = try run.task.rows(base.tokenizer)
        func losses(_ method: String, seed: UInt64) throws -> Double {
            var run = TrainingRun { ($0.seed, $0.learningRate) = (seed, 1e-12) }
            run.method = method
            // The head's start depends on the seed too: only the hidden states are compared.
            let model = try run.trainer(base).model
            let batch = try rows.batch(0..<4)
            let context = ForwardContext(
                layout: batch.layout,
                adapters: model.adapters,
                dropoutSeed: seed
            )
            return try model.encoder(batch, in: context, wanted: .all).hidden.sum().item()
        }
        #expect(try losses("head", seed: 1) == losses("head", seed: 2))
        let method = "par_bn[reduction_factor=4,leave_out=[0]]"
        #expect(try losses(method, seed: 1) != losses(method, seed: 2))
    }
}

import Foundation
import Testing

@Suite struct InterruptionTests {
    private let shop = try? Workshop()

    /// A run of some seconds with a checkpoint every few steps.
    private func arguments(_ shop: Workshop, output: String) -> [String] {
        [
            "train", "--model", shop.model, "--train", "train.jsonl", "--eval", "eval.jsonl",
            "--epochs", "60", "--batch", "4", "--checkpoint-every", "50", "--workers", "1",
            "--output", output,
        ]
    }

    /// Stops a run in its middle with a signal, goes on, and expects the bytes of a run that was not stopped.
    private func resume(after signal: Int32, status: Int32) async throws {
        let shop = try #require(shop)
        let whole = try await GraftCommand.run(arguments(shop, output: "whole"), in: shop.path)
        #expect(whole.status == 0, "\(whole.errors)")

        let running = try GraftCommand.start(arguments(shop, output: "cut"), in: shop.path)
        let wasUnderWay = await running.send(signal) {
            running.errors.contains("epoch 2/60")
                && shop.contents("cut.checkpoint").contains { $0.hasPrefix("step-") }
        }
        #expect(wasUnderWay)
        let cut = try await running.finished()
        #expect(cut.status == status, "\(cut.errors)")
        #expect(!shop.holds("cut"))

        let refused = try await GraftCommand.run(arguments(shop, output: "cut"), in: shop.path)
        #expect(refused.status == 1 && refused.errors.contains("--resume"), "\(refused.errors)")

        let resumed = try await GraftCommand.run(
            arguments(shop, output: "cut") + ["--resume"],
            in: shop.path
        )
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(resumed.errors.contains("going on after step"))
        #expect(
            try shop.bytes("cut/adapter.safetensors") == shop.bytes("whole/adapter.safetensors")
        )
        #expect(!shop.holds("cut.checkpoint"))
    }

    @Test func `an interrupted merge leaves nothing behind`() async throws {
        let shop = try #require(shop)
        #expect(try await shop.train(output: "a", "--method", "lora").status == 0)
        let running = try GraftCommand.start(
            [
                "merge", "--model", shop.model, "--adapter", "a", "--output", "merged", "--limit",
                "20000",
            ],
            in: shop.path
        )
        let wasUnderWay = await running.send(SIGINT) {
            shop.contents("").contains { $0.hasSuffix(".partial") }
        }
        #expect(wasUnderWay)
        let outcome = try await running.finished()
        #expect(outcome.status == 130)
        #expect(outcome.errors == "graft: interrupted, nothing was written\n")
        #expect(!shop.holds("merged"))
        #expect(!shop.contents("").contains { $0.hasSuffix(".partial") })
    }

    @Test func `a killed run goes on to the same bytes`() async throws {
        try await resume(after: SIGKILL, status: -SIGKILL)
    }

    @Test func `a terminated run writes its state and goes on to the same bytes`() async throws {
        try await resume(after: SIGTERM, status: 130)
    }

    @Test func `a run that was killed before its first checkpoint starts anew`() async throws {
        let shop = try #require(shop)
        let folder = URL(filePath: shop.path).appending(path: "a.checkpoint/.step-7.x.partial")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let outcome = try await shop.train(output: "a", "--resume")
        #expect(
            outcome.status == 0 && outcome.errors.contains("starting anew"),
            "\(outcome.errors)"
        )
        #expect(!shop.holds("a.checkpoint"))
    }

    @Test func `resuming what was never begun is an error that names the run beside it`()
        async throws
    {
        let shop = try #require(shop)
        let folder = URL(filePath: shop.path).appending(path: "runs/urgency.checkpoint/step-7")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let near = try await shop.train(output: "runs/urgncy", "--resume")
        #expect(near.status == 1 && near.errors.contains("did you mean --output runs/urgency?"))
        let far = try await shop.train(output: "elsewhere", "--resume")
        #expect(far.status == 1 && far.errors.contains("without --resume"), "\(far.errors)")
        #expect(!shop.holds("runs/urgncy") && !shop.holds("elsewhere"))
    }

    @Test func `a run with other settings does not go on`() async throws {
        let shop = try #require(shop)
        let running = try GraftCommand.start(arguments(shop, output: "a"), in: shop.path)
        #expect(await running.send(SIGINT) { running.errors.contains("epoch 1/60") })
        #expect(try await running.finished().status == 130)
        let other = try await GraftCommand.run(
            arguments(shop, output: "a") + ["--resume", "--seed", "9"],
            in: shop.path
        )
        #expect(
            other.status == 1 && other.errors.contains("--seed 0 instead of 9"),
            "\(other.errors)"
        )
        let rows = String(decoding: try shop.bytes("train.jsonl"), as: UTF8.self)
        try shop.write(rows.replacing("film", with: "song"), to: "train.jsonl")
        let moved = try await GraftCommand.run(
            arguments(shop, output: "a") + ["--resume"],
            in: shop.path
        )
        #expect(moved.status == 1 && moved.errors.contains("another"), "\(moved.errors)")
    }
}

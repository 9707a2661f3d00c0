import Foundation
import GraftTestSupport
import Testing

@Suite struct CompositionUseTests {
    private func shop() async throws -> Workshop {
        let shop = try Workshop()
        for (name, method) in [
            ("runs/lora-r=4", "lora[r=4]"), ("two", "seq_bn"), ("p", "prompt_tuning"),
        ] {
            let outcome = try await shop.train(
                output: name,
                "--method",
                method,
                "--learning-rate",
                "0.05"
            )
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        return shop
    }

    private func logits(_ shop: Workshop, _ adapter: String, _ more: String...) async throws
        -> [Double]
    {
        let outcome = try await GraftCommand.run(
            [
                "predict", "--model", shop.model, "--adapter", adapter, "--text",
                "the film was very awful", "--logits",
            ] + more,
            in: shop.path
        )
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try #require(try outcome.rows().first?["logits"] as? [Double])
    }

    @Test func `a mean that is one of its parts alone answers as that part`() async throws {
        let shop = try await shop()
        let alone = try await logits(shop, "two")
        let mean = try await logits(
            shop,
            "average[weights=[0,1]](runs/lora-r=4,two)",
            "--head",
            "two"
        )
        for (a, b) in zip(alone, mean) { #expect(abs(a - b) < 1e-5) }
        let both = try await logits(shop, "stack(runs/lora-r=4,two)")
        #expect(zip(alone, both).contains { abs($0 - $1) > 1e-3 })
    }

    @Test func `eval scores a stack with the head of its last adapter`() async throws {
        let shop = try await shop()
        let outcome = try await shop.eval("stack(runs/lora-r=4,two)", on: "eval.jsonl", "--json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let result = try outcome.json()
        #expect(result["rows"] as? Int == 12)
        #expect(try #require(result["eval_seconds"] as? Double) > 0)
        #expect(try #require(result["examples_per_second"] as? Double) > 0)
    }

    @Test(arguments: [
        (["average(two,runs/lora-r=4)"], "--head two"),
        (["average(two,runs/lora-r=4)", "--head", "three"], "'three' is not one of"),
        (["two", "--head", "two"], "is one adapter"),
        (["stack(two,none)"], "none: no adapter here"),
        (["stack(two"], "closing parenthesis"),
        (["fuse(two,runs/lora-r=4)"], "graft fuse trains them"),
        (["average(two,p)", "--head", "two"], "has no mean"),
    ])
    func `what does not make sense is refused by name`(
        arguments: [String],
        message: String
    ) async throws {
        let shop = try await shop()
        let outcome = try await GraftCommand.run(
            ["predict", "--model", shop.model, "--text", "good", "--adapter"] + arguments,
            in: shop.path
        )
        #expect(outcome.status != 0 && outcome.output.isEmpty)
        #expect(outcome.errors.contains(message), "\(outcome.errors)")
    }

    @Test func `an adapter remembers the columns that it was trained on`() async throws {
        let shop = try Workshop()
        let rows = String(decoding: try shop.bytes("train.jsonl"), as: UTF8.self)
            .replacing("\"text\"", with: "\"body\"").replacing("\"label\"", with: "\"mood\"")
        try shop.write(rows, to: "named.jsonl")
        let trained = try await shop.train(
            output: "a",
            "--train",
            "named.jsonl",
            "--text-column",
            "body",
            "--label-column",
            "mood"
        )
        #expect(trained.status == 0, "\(trained.errors)")
        let scored = try await shop.eval("a", on: "named.jsonl", "--json")
        #expect(scored.status == 0, "\(scored.errors)")
        #expect(try scored.json()["rows"] as? Int == 48)
        let other = try await shop.graft(
            "predict",
            "--model",
            shop.model,
            "--adapter",
            "a",
            "--data",
            "eval.jsonl"
        )
        #expect(other.status == 1 && other.errors.contains("no column 'body'"), "\(other.errors)")
        let named = try await shop.graft(
            "predict",
            "--model",
            shop.model,
            "--adapter",
            "a",
            "--data",
            "eval.jsonl",
            "--text-column",
            "text"
        )
        #expect(named.status == 0, "\(named.errors)")
        #expect(try named.rows().count == 12)
    }
}

import Foundation
import GraftTestSupport
import GraftTorch
import Testing

/// What models that write must not learn from, and what they must not write.
@Suite struct WritingTests {
    private func shop() throws -> Workshop {
        let shop = try Workshop(model: "llama/gqa")
        try shop.write(
            """
            {"prompt": "the film is", "completion": " good"}
            {"prompt": "the book is", "completion": " bad"}
            """,
            to: "pairs.jsonl"
        )
        return shop
    }

    @Test(arguments: [
        ("unipelt", "use_gating"), ("seq_bn[use_gating=true]", "use_gating"),
        ("lora[use_gating=true]", "use_gating"),
        ("loreft[suffix_positions=1]", "suffix_positions"),
    ])
    func `methods by which a token sees those behind it are refused`(
        method: String,
        setting: String
    ) async throws {
        let shop = try shop()
        let outcome = try await shop.train(
            output: "a",
            "--train",
            "pairs.jsonl",
            "--task",
            "causal-lm",
            "--method",
            method
        )
        #expect(outcome.status == 1 && outcome.errors.contains(setting), "\(outcome.errors)")
        #expect(outcome.errors.contains("depend on those behind it") && !shop.holds("a"))
        // Of a row that is there as a whole, everything may be seen.
        let whole = try await shop.train(output: "b", "--method", method, "--epochs", "1")
        #expect(whole.status == 0, "\(whole.errors)")
    }

    @Test func `there is no head to train where the model answers`() async throws {
        let shop = try shop()
        let outcome = try await shop.train(
            on: "pairs.jsonl",
            scoredOn: "pairs.jsonl",
            "--task",
            "causal-lm",
            "--method",
            "head"
        )
        #expect(outcome.status == 1, "\(outcome.output)")
        #expect(outcome.errors.contains("there is no head to train"), "\(outcome.errors)")
    }

    @Test func `smoothing is of training, not of scores`() async throws {
        let shop = try shop()
        let trained = try await shop.train(
            on: "pairs.jsonl",
            scoredOn: "pairs.jsonl",
            "--task",
            "causal-lm",
            "--label-smoothing",
            "0.4",
            "--json"
        )
        #expect(trained.status == 0, "\(trained.errors)")
        let eval = try await shop.eval("a", on: "pairs.jsonl", "--json")
        func perplexity(_ outcome: GraftCommand.Outcome) throws -> Double {
            let metrics = try #require(try outcome.json()["metrics"] as? [String: Any])
            return try #require(metrics["perplexity"] as? Double)
        }
        #expect(try perplexity(trained) == perplexity(eval))
    }

    @Test func `nothing is written by scores that are not finite`() async throws {
        let shop = try shop()
        let weights = try shop.copyModel(to: "damaged")
        var file = try Data(contentsOf: weights)
        // The last weights of the file become NaN.
        file.replaceSubrange(file.count - 8..<file.count, with: [UInt8](repeating: 0xFF, count: 8))
        try file.write(to: weights)
        for more in [["--beams", "2"], ["--temperature", "1"], []] {
            let outcome = try await GraftCommand.run(
                ["generate", "--model", "damaged", "--text", "the film", "--json"] + more,
                in: shop.path
            )
            #expect(outcome.status == 1 && outcome.output.isEmpty, "\(outcome.output)")
            #expect(outcome.errors.contains("not finite"), "\(outcome.errors)")
        }
        let encode = try await shop.graft(
            "encode",
            "--model",
            "damaged",
            "--data",
            "eval.jsonl",
            "--output",
            "x.safetensors"
        )
        #expect(encode.status == 1 && encode.errors.contains("not finite"), "\(encode.errors)")
        #expect(!shop.holds("x.safetensors"))
    }

    @Test func `conversations belong to the template that wrote them`() async throws {
        let shop = try shop()
        for (name, template) in [
            ("one", "{% for m in messages %}{{ m.content }} is {% endfor %}"),
            ("other", "{% for m in messages %}{{ m.content }} was {% endfor %}"),
        ] {
            _ = try shop.copyModel(to: name)
            try shop.write(template, to: name + "/chat_template.jinja")
        }
        try shop.write(
            #"{"messages": [{"role": "user", "content": "film"}, {"role": "assistant", "content": "good"}]}"#,
            to: "messages.jsonl"
        )
        for (rows, output) in [("messages.jsonl", "talks"), ("pairs.jsonl", "texts")] {
            let trained = try await shop.train(
                output: output,
                "--model",
                "one",
                "--task",
                "causal-lm",
                "--train",
                rows,
                "--epochs",
                "1"
            )
            #expect(trained.status == 0, "\(trained.errors)")
        }
        let refused = try await shop.eval("talks", on: "messages.jsonl", model: "other")
        #expect(refused.status == 1 && refused.errors.contains("another chat template"))
        #expect(try await shop.eval("talks", on: "messages.jsonl", model: "one").status == 0)
        #expect(try await shop.eval("texts", on: "pairs.jsonl", model: "other").status == 0)
    }

    @Test func `messages are an array`() async throws {
        let shop = try shop()
        try shop.write(#"{"messages": "[{\"role\": \"user\"}]"}"#, to: "messages.jsonl")
        let outcome = try await shop.graft(
            "generate",
            "--model",
            shop.model,
            "--data",
            "messages.jsonl"
        )
        #expect(outcome.status == 1, "\(outcome.output)")
        #expect(outcome.errors.contains("an array of messages"), "\(outcome.errors)")
    }

    @Test func `numbers are no labels where a file named the classes`() async throws {
        let shop = try Workshop()
        let rows = try String(contentsOfFile: shop.path + "/eval.jsonl", encoding: .utf8)
        let numbered = rows.replacing(/"label": *"[^"]*"/, with: "\"label\": 0")
        #expect(numbered != rows)
        try shop.write(numbered, to: "numbered.jsonl")
        #expect(try await shop.train(output: "a", "--epochs", "1").status == 0)
        let refused = try await shop.eval("a", on: "numbered.jsonl")
        #expect(refused.status == 1, "\(refused.output)")
        #expect(refused.errors.contains("the label '0' is unknown"), "\(refused.errors)")
        let chosen = try await shop.train(
            output: "b",
            "--epochs",
            "1",
            "--labels",
            "negative,positive"
        )
        #expect(chosen.status == 0, "\(chosen.errors)")
        #expect(try await shop.eval("b", on: "numbered.jsonl").status == 0)
    }
}

import Foundation
import GraftFormats
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

/// Causal models at the commands that encoders have.
@Suite struct DecoderTests {
    @Test(arguments: ["llama/gqa", "gpt2/tied"])
    func `an adapter for classification is trained, scored and asked`(model: String) async throws {
        let shop = try Workshop(model: model)
        let trained = try await shop.train(
            output: "a",
            "--method",
            "lora[r=8,target_modules=all-linear]",
            "--eval",
            "eval.jsonl",
            "--epochs",
            "30",
            "--learning-rate",
            "0.02",
            "--json"
        )
        #expect(trained.status == 0, "\(trained.errors)")
        let metrics = try #require(try trained.json()["metrics"] as? [String: Any])
        // Good and bad differ in the last word, which the first token has not seen.
        #expect(metrics["accuracy"] as? Double == 1)
        let use = ["--model", shop.model, "--adapter", "a", "--data", "eval.jsonl"]
        let scored = try await GraftCommand.run(["eval"] + use + ["--json"], in: shop.path)
        let found = try #require(try scored.json()["metrics"] as? [String: Any])
        #expect(found["accuracy"] as? Double == 1)
        let asked = try await GraftCommand.run(["predict"] + use, in: shop.path)
        #expect(try asked.rows().count == 12)
        let refused = try await shop.train(output: "b", "--head-pooling", "first")
        #expect(refused.status == 1 && refused.errors.contains("pooling"), "\(refused.errors)")
    }

    @Test func `one vector of a row is its last token's or the mean, not the first's`()
        async throws
    {
        let shop = try Workshop(model: "llama/gqa")
        func encode(_ pool: String) async throws -> GraftCommand.Outcome {
            try await shop.graft(
                "encode",
                "--model",
                shop.model,
                "--data",
                "eval.jsonl",
                "--pool",
                pool,
                "--output",
                "\(pool).safetensors"
            )
        }
        #expect(try await encode("last").status == 0)
        let whole = try await shop.graft(
            "encode",
            "--model",
            shop.model,
            "--data",
            "eval.jsonl",
            "--output",
            "all.safetensors"
        )
        #expect(whole.status == 0, "\(whole.errors)")
        let all = try TensorFile(path: shop.path + "/all.safetensors").tensors
        let pooled = try #require(
            TensorFile(path: shop.path + "/last.safetensors").tensors["embeddings"]
        )
        for row in 0..<12 {
            let states = try #require(all["last_hidden_state.\(row)"])
            let last = states.size(0) - 1
            try expectClose(pooled.narrowed(row..<row + 1), states.narrowed(last..<last + 1))
        }
        let refused = try await encode("cls")
        #expect(refused.status == 1 && refused.errors.contains("--pool last"), "\(refused.errors)")
        #expect(!shop.holds("cls.safetensors"))
    }

    /// Rows of a prompt and a completion each.
    private static let lines = ["film", "book", "song", "play"].flatMap { subject in
        ["good", "bad", "great"].map { word in
            #"{"prompt": "the \#(subject) is", "completion": " very \#(word)"}"#
        }
    }.joined(separator: "\n")

    @Test func `an adapter learns to write, and its perplexity is told`() async throws {
        let shop = try Workshop(model: "llama/gqa")
        try shop.write(DecoderTests.lines, to: "pairs.jsonl")
        func train(_ output: String, _ more: String...) async throws -> GraftCommand.Outcome {
            try await GraftCommand.run(
                [
                    "train", "--model", shop.model, "--train", "pairs.jsonl", "--eval",
                    "pairs.jsonl", "--task", "causal-lm", "--method", "lora", "--epochs", "6",
                    "--batch", "4", "--learning-rate", "0.02", "--output", output, "--json",
                ] + more,
                in: shop.path
            )
        }
        let trained = try await train("a")
        #expect(trained.status == 0, "\(trained.errors)")
        let result = try trained.json()
        #expect(result["primary_metric"] as? String == "perplexity")
        #expect(result["head_parameters"] as? Int == 0)
        let epochs = try #require(result["epochs"] as? [[String: Any]])
        let perplexities = epochs.compactMap {
            ($0["metrics"] as? [String: Any])?["perplexity"] as? Double
        }
        #expect(perplexities.count == 6)
        let best = try #require(perplexities.min())
        #expect(best < perplexities[0] && result["score"] as? Double == best)

        let use = ["--model", shop.model, "--adapter", "a", "--data", "pairs.jsonl"]
        let scored = try await GraftCommand.run(["eval"] + use + ["--json"], in: shop.path)
        let metrics = try #require(try scored.json()["metrics"] as? [String: Any])
        let perplexity = try #require(metrics["perplexity"] as? Double)
        #expect(abs(perplexity - best) < 1e-4 * best)
        let loss = try #require(metrics["loss"] as? Double)
        #expect(abs(log(perplexity) - loss) < 1e-6 && metrics["bits_per_byte"] is Double)

        // What a merged model makes of a text is near in proportion: logarithms of probabilities are large.
        let merged = try await GraftCommand.run(
            ["merge", "--output", "m", "--json"] + use,
            in: shop.path
        )
        #expect(merged.status == 0, "\(merged.errors)")
        #expect(try merged.json()["tolerance"] as? Double == 1e-4)

        // Adapters that write have no heads of their own to choose among.
        try FileManager.default.copyItem(atPath: shop.path + "/a", toPath: shop.path + "/a2")
        let mean = try await GraftCommand.run(
            ["eval", "--model", shop.model, "--adapter", "average(a,a2)"] + use.suffix(2) + [
                "--json"
            ],
            in: shop.path
        )
        let ofMean = try #require(try mean.json()["metrics"] as? [String: Any])
        #expect(abs(try #require(ofMean["perplexity"] as? Double) - perplexity) < 1e-4 * best)

        // The frozen model is scored in the same way, and is worse.
        func frozen(_ more: String...) async throws -> GraftCommand.Outcome {
            try await GraftCommand.run(
                ["eval", "--model", shop.model, "--data", "pairs.jsonl", "--json"] + more,
                in: shop.path
            )
        }
        let before = try #require(try await frozen().json()["metrics"] as? [String: Any])
        #expect(try #require(before["perplexity"] as? Double) > perplexities[0])
        #expect(before["bits_per_byte"] is Double)
        let outcome = try await frozen("--max-length", "6")
        #expect(outcome.errors.contains("fill the 6 tokens of --max-length"), "\(outcome.errors)")
        let cut = try #require(try outcome.json()["metrics"] as? [String: Any])
        let losses = try [cut, before].map { try #require($0["loss"] as? Double) }
        #expect(losses.allSatisfy(\.isFinite) && losses[0] != losses[1])
        let known = try await frozen("--adapter", "a", "--max-length", "4")
        #expect(known.status == 64 && known.errors.contains("--max-length is for models without"))

        let asked = try await GraftCommand.run(["predict"] + use, in: shop.path)
        let logarithms = try asked.rows().compactMap { $0["log_probability"] as? Double }
        #expect(logarithms.count == 12)
        // "very", a word, the tokenizer's end and the model's.
        #expect(abs(logarithms.reduce(0, +) + loss * 48) < 1e-3)
        let layers = try await train("b", "--head-layers", "2")
        #expect(layers.status == 64 && layers.errors.contains("--head-layers"))
        let encoder = try await train("c", "--model", TinyModel().base.path)
        #expect(encoder.status == 1 && encoder.errors.contains("a bert model writes no text"))
    }

    @Test func `rows of messages need a chat template, which is told`() async throws {
        let shop = try Workshop(model: "gpt2/tied")
        let question = #"{"role": "user", "content": "film"}"#
        let answer = #"{"role": "assistant", "content": "good"}"#
        try shop.write(#"{"messages": [\#(question), \#(answer)]}"#, to: "chat.jsonl")
        let arguments = [
            "train", "--model", shop.model, "--train", "chat.jsonl", "--task", "causal-lm",
            "--output", "a", "--epochs", "1",
        ]
        let refused = try await GraftCommand.run(arguments, in: shop.path)
        #expect(refused.status == 1)
        #expect(refused.errors.contains("chat.jsonl:1: the model has no chat"))
        try Data("{% for m in messages %}{{ m.content }} {% endfor %}".utf8)
            .write(to: URL(filePath: shop.model + "/chat_template.jinja"))
        let trained = try await GraftCommand.run(arguments, in: shop.path)
        #expect(trained.status == 0, "\(trained.errors)")
        #expect(trained.errors.contains("messages written by the chat template"))
    }

    @Test func `texts are written on, one as it comes and several as rows`() async throws {
        let shop = try Workshop(model: "llama/gqa")
        func generate(_ more: String...) async throws -> GraftCommand.Outcome {
            try await GraftCommand.run(
                ["generate", "--model", shop.model, "--max-new-tokens", "6"] + more,
                in: shop.path
            )
        }
        let plain = try await generate("--text", "the film is")
        #expect(plain.status == 0 && plain.output.hasSuffix("\n"), "\(plain.errors)")
        let json = try await generate("--text", "the film is", "--json").json()
        #expect(json["text"] as? String == String(plain.output.dropLast()))
        #expect((json["tokens"] as? Int ?? 0) > 0 && json["ending"] is String)

        try shop.write(
            #"{"id": "a", "prompt": "the film is"}"# + "\n" + #"{"id": "b", "prompt": "a song"}"#,
            to: "prompts.jsonl"
        )
        let rows = try await generate("--data", "prompts.jsonl").rows()
        #expect(rows.map { $0["id"] as? String } == ["a", "b"])
        #expect(rows[0]["text"] as? String == json["text"] as? String)
        // Equal seeds draw alike, in batches of any size.
        let draw = ["--data", "prompts.jsonl", "--temperature", "2", "--seed", "3"]
        let (one, two) = (
            try await GraftCommand.run(
                ["generate", "--model", shop.model, "--batch", "1"] + draw,
                in: shop.path
            ),
            try await GraftCommand.run(
                ["generate", "--model", shop.model, "--batch", "2"] + draw,
                in: shop.path
            )
        )
        #expect(one.output == two.output && one.status == 0, "\(one.errors)")
        let beams = try await generate("--data", "prompts.jsonl", "--beams", "3").rows()
        #expect(beams.count == 2)
        let searched = try await generate("--text", "the film is", "--beams", "3")
        #expect(searched.output == (beams[0]["text"] as? String ?? "") + "\n")
    }

    @Test(
        arguments: [
            (["--text", "a", "--top-k", "0"], 1, "top_k"),
            (["--text", "a", "--beams", "2", "--stop", "b"], 1, "stop"),
            (["--text", "a", "--chat"], 1, "no chat template"),
            (["--text", "a", "--limit", "1"], 64, "--limit goes with --data"),
            (["--text", "a", "--data", "rows.jsonl"], 64, "either --data or --text"),
            (["--text", "a", "--adapter", "nowhere"], 1, "no adapter here"),
            (["--data", "long.jsonl"], 1, "long.jsonl:4: the prompt has "),
        ] as [([String], Int32, String)]
    )
    func `what cannot be generated is refused`(
        arguments: [String],
        status: Int32,
        part: String
    ) async throws {
        let shop = try Workshop(model: "gpt2/tied")
        let long = String(repeating: "the ", count: 80)
        try shop.write(
            (["the", "a", "the a", long].map { "{\"text\": \"\($0)\"}" }).joined(separator: "\n"),
            to: "long.jsonl"
        )
        let outcome = try await GraftCommand.run(
            ["generate", "--model", shop.model] + arguments,
            in: shop.path
        )
        #expect(outcome.status == status && outcome.errors.contains(part), "\(outcome.errors)")
        #expect(outcome.output.isEmpty)
    }
}

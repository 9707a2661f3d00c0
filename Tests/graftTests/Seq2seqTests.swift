import Foundation
import GraftTestSupport
import GraftTraining
import Testing

/// `--task seq2seq` at the commands.
@Suite struct Seq2seqCommandTests {
    private static let subjects = ["film", "book", "song", "play"]

    private func shop(_ model: String = "t5/v1_0") throws -> Workshop {
        let shop = try Workshop(model: model)
        let lines = Seq2seqCommandTests.subjects.enumerated().map { number, subject in
            #"{"id": "r\#(number)", "en": "the \#(subject) is", "de": "very \#(subject)"}"#
        }
        try shop.write(lines.joined(separator: "\n"), to: "pairs.jsonl")
        return shop
    }

    private func train(_ shop: Workshop, _ more: String...) async throws -> GraftCommand.Outcome {
        try await GraftCommand.run(
            [
                "train", "--model", shop.model, "--task", "seq2seq", "--train", "pairs.jsonl",
                "--eval", "pairs.jsonl", "--text-column", "en", "--label-column", "de", "--batch",
                "2", "--learning-rate", "0.03", "--max-target-length", "16", "--output", "a",
                "--quiet", "--json",
            ] + more,
            in: shop.path
        )
    }

    @Test func `an adapter is trained, scored with what it writes, and asked`() async throws {
        let shop = try shop()
        let trained = try await train(shop, "--method", "lora[r=8]", "--epochs", "120")
        #expect(trained.status == 0, "\(trained.errors)")
        let result = try trained.json()
        #expect(result["primary_metric"] as? String == "perplexity")
        #expect(result["head_parameters"] as? Int == 0)
        let use = ["--model", shop.model, "--adapter", "a", "--data", "pairs.jsonl"]
        let scored = try await GraftCommand.run(["eval"] + use + ["--json"], in: shop.path)
        let metrics = try #require(try scored.json()["metrics"] as? [String: Any])
        let (perplexity, best) = (metrics["perplexity"] as? Double, result["score"] as? Double)
        #expect(abs(try #require(perplexity) - #require(best)) < 1e-4)
        #expect(metrics["bleu"] == nil)
        let more = ["--generate", "--max-new-tokens", "8", "--json"]
        let written = try await GraftCommand.run(["eval"] + use + more, in: shop.path)
        let figures = try #require(try written.json()["metrics"] as? [String: Any])
        #expect(figures["exact_match"] as? Double == 1 && figures["rouge_l"] as? Double == 1)
        #expect(figures["bleu"] is Double && figures["chrf"] is Double)

        let frozen = [
            "eval", "--model", shop.model, "--data", "pairs.jsonl", "--text-column", "en",
            "--label-column", "de", "--json",
        ]
        let before = try await GraftCommand.run(frozen, in: shop.path)
        let untrained = try #require(try before.json()["metrics"] as? [String: Any])
        #expect(try #require(untrained["perplexity"] as? Double) > #require(perplexity))

        let expected = Seq2seqCommandTests.subjects.map { "very \($0)" }
        let asked = try await GraftCommand.run(["predict"] + use, in: shop.path).rows()
        #expect(asked.map { $0["text"] as? String } == expected)
        #expect(asked.map { $0["id"] as? String } == ["r0", "r1", "r2", "r3"])
        // Rows need no targets, and texts no file.
        try shop.write(#"{"en": "the book is"}"#, to: "new.jsonl")
        let new = try await shop.graft(
            "predict",
            "--model",
            shop.model,
            "--adapter",
            "a",
            "--data",
            "new.jsonl",
            "--beams",
            "2"
        ).rows()
        #expect(new.map { $0["text"] as? String } == ["very book"])
        let plain = try await shop.graft(
            "generate",
            "--model",
            shop.model,
            "--adapter",
            "a",
            "--text",
            "the song is"
        )
        #expect(plain.output == "very song\n", "\(plain.errors)")
        let rows = try await GraftCommand.run(["generate"] + use, in: shop.path).rows()
        #expect(rows.map { $0["text"] as? String } == expected)
        #expect(rows.allSatisfy { $0["ending"] as? String == "end" })
        let merged = try await shop.graft(
            "merge",
            "--model",
            shop.model,
            "--adapter",
            "a",
            "--output",
            "merged",
            "--json"
        )
        #expect(merged.status == 0, "\(merged.errors)")
        let again = try await shop.graft("generate", "--model", "merged", "--text", "the play is")
        #expect(again.output == "very play\n", "\(again.errors)")
    }

    @Test func `a frozen model answers, drawn alike in batches of any size`() async throws {
        let shop = try shop("mt5/gelu")
        func generate(_ batch: String, _ more: String...) async throws -> GraftCommand.Outcome {
            try await GraftCommand.run(
                [
                    "generate", "--model", shop.model, "--data", "pairs.jsonl", "--text-column",
                    "en", "--max-new-tokens", "6", "--batch", batch,
                ] + more,
                in: shop.path
            )
        }
        let one = try await generate("1", "--temperature", "1.5", "--seed", "3")
        let all = try await generate("4", "--temperature", "1.5", "--seed", "3")
        #expect(one.output == all.output && one.status == 0, "\(one.errors)")
        #expect(try await generate("4", "--beams", "3").rows().count == 4)
    }

    @Test func `sites are told tower by tower`() async throws {
        let shop = try shop()
        let outcome = try await shop.graft(
            "inspect",
            "--model",
            shop.model,
            "--task",
            "seq2seq",
            "--method",
            "double_seq_bn[reduction_factor=4]",
            "--json"
        )
        let sites = try #require(try outcome.json()["sites"] as? [[String: Any]])
        let paths = sites.compactMap { $0["site"] as? String }
        #expect(paths.first == "encoder.0.attention" && paths.count > 4, "\(outcome.errors)")
        let towers = paths.map { $0.hasPrefix("encoder") ? 0 : 1 }
        #expect(towers == towers.sorted())
        let layers = paths.filter { $0.hasPrefix("encoder") }.map { $0.split(separator: ".")[1] }
        #expect(layers == layers.sorted())
    }

    @Test func `what does not go with the task is refused`() async throws {
        let shop = try shop()
        let llama = try TinyModel("llama/gqa").base.path
        let other = try await train(shop, "--model", llama)
        #expect(other.status == 1 && other.errors.contains("a llama model writes a text on"))
        let causal = try await train(shop, "--task", "causal-lm", "--model", llama)
        #expect(causal.status == 64 && causal.errors.contains("--max-target-length"))
        let tagged = try await train(shop, "--head-layers", "1")
        #expect(tagged.status == 64 && tagged.errors.contains("--head-layers"))
        #expect(!shop.holds("a"))
        let classifier = try await shop.train(output: "b", "--epochs", "1")
        #expect(classifier.status == 0, "\(classifier.errors)")
        let use = ["eval", "--model", shop.model, "--adapter", "b", "--data", "eval.jsonl"]
        let written = try await GraftCommand.run(use + ["--generate"], in: shop.path)
        #expect(written.status == 1 && written.errors.contains("writes no texts"))
        let asked = ["predict"] + use[1...4] + ["--text", "a"]
        let drawn = try await GraftCommand.run(asked + ["--top-k", "3"], in: shop.path)
        #expect(drawn.status == 1 && drawn.errors.contains("no adapter here answers"))
        let beams = try await GraftCommand.run(use + ["--beams", "3"], in: shop.path)
        #expect(beams.status == 64 && beams.errors.contains("needs --generate"), "\(beams.errors)")
    }
}

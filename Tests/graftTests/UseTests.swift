import Foundation
import GraftFormats
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

@Suite struct UseTests {
    @Test func `eval repeats the metrics that training printed`() async throws {
        let shop = try Workshop()
        let trained = try await shop.train(
            output: "a",
            "--eval",
            "eval.jsonl",
            "--epochs",
            "5",
            "--json"
        ).json()
        let scored = try await shop.eval("a", on: "eval.jsonl", "--json")
        #expect(scored.status == 0, "\(scored.errors)")
        let wanted = try #require(trained["metrics"] as? [String: Any])
        let found = try #require(try scored.json()["metrics"] as? [String: Any])
        for metric in ["accuracy", "f1_macro", "matthews"] {
            #expect(found[metric] as? Double == wanted[metric] as? Double, "\(metric)")
        }
        #expect((found["confusion"] as? [String: Any])?["counts"] != nil)
    }

    @Test func `a damaged adapter answers nothing`() async throws {
        let shop = try Workshop()
        #expect(try await shop.train(output: "a").status == 0)
        let path = shop.path + "/a/\(AdapterBundle.tensorsName)"
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: URL(filePath: path))
        let flipped = try await shop.predict("good", adapter: "a")
        #expect(flipped.status == 1 && flipped.output.isEmpty)
        #expect(flipped.errors.contains("is not the file that adapter_config.json was written"))
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: URL(filePath: path))
        #expect(try await shop.predict("good", adapter: "a").status == 0)

        try shop.rewriteAdapter("a") { tensors in
            let count = try #require(tensors["head.1.bias"]).count
            tensors["head.1.bias"] = try Tensor([Float](repeating: .nan, count: count))
        }
        let unknown = try await shop.predict("good", adapter: "a")
        #expect(unknown.status == 1 && unknown.output.isEmpty)
        #expect(unknown.errors.contains("the scores of row 0, counted from 0, are not finite"))
    }

    @Test func `pairs of texts are given as arguments`() async throws {
        let shop = try Workshop()
        let row = #"{"text": "the film", "text_b": "was good", "label": "positive"}"#
        try shop.write(row + "\n" + row.replacing("positive", with: "negative"), to: "pairs.jsonl")
        let trained = try await shop.train(output: "a", "--train", "pairs.jsonl")
        #expect(trained.status == 0, "\(trained.errors)")
        let use = ["predict", "--model", shop.model, "--adapter", "a", "--logits"]
        let read = try await GraftCommand.run(use + ["--data", "pairs.jsonl"], in: shop.path)
        let texts = ["--text", "the film", "--text", "the book"]
        let given = try await GraftCommand.run(
            use + texts + ["--pair", "was good", "--pair", "was bad"],
            in: shop.path
        )
        #expect(given.status == 0, "\(given.errors)")
        let logits = try [read, given].map { try $0.rows()[0]["logits"] as? [Double] }
        #expect(logits[0] != nil && logits[0] == logits[1])
        let few = try await GraftCommand.run(use + texts + ["--pair", "was good"], in: shop.path)
        #expect(few.status == 64 && few.errors.contains("found 1 for 2"), "\(few.errors)")
        let none = try await GraftCommand.run(use + texts, in: shop.path)
        #expect(none.status == 1 && none.errors.contains("--pair beside --text"), "\(none.errors)")
    }

    @Test func `predictions are rows with id, label, scores and logits`() async throws {
        let shop = try Workshop()
        #expect(try await shop.train(output: "a").status == 0)
        let outcome = try await shop.graft(
            "predict",
            "--model",
            shop.model,
            "--adapter",
            "a",
            "--data",
            "eval.jsonl",
            "--logits",
            "--output",
            "answers.jsonl"
        )
        #expect(outcome.status == 0 && outcome.output.isEmpty, "\(outcome.errors)")
        let lines = String(decoding: try shop.bytes("answers.jsonl"), as: UTF8.self)
        let rows = try GraftCommand.Outcome(status: 0, output: lines, errors: "").rows()
        #expect(rows.count == 12)
        for (number, row) in rows.enumerated() {
            #expect(row["id"] as? String == "r\(number)")
            let scores = try #require(row["scores"] as? [String: Double])
            let logits = try #require(row["logits"] as? [Double])
            let label = try #require(row["label"] as? String)
            #expect(scores.keys.sorted() == ["negative", "positive"])
            #expect(abs(scores.values.reduce(0, +) - 1) < 1e-6)
            #expect(scores[label] == scores.values.max())
            #expect((logits[1] > logits[0]) == (label == "positive"))
        }
        let use = ["--model", shop.model, "--adapter", "a"]
        let first = try await GraftCommand.run(
            ["predict", "--data", "eval.jsonl", "--limit", "3"] + use,
            in: shop.path
        )
        #expect(try first.rows().map { $0["id"] as? String } == ["r0", "r1", "r2"])
        let long = Array(repeating: "film", count: 200).joined(separator: " ")
        try shop.write(#"{"text": "\#(long)", "label": "positive"}"#, to: "long.jsonl")
        for command in ["predict", "eval"] {
            let cut = try await GraftCommand.run(
                [command, "--data", "long.jsonl"] + use,
                in: shop.path
            )
            #expect(cut.status == 0)
            #expect(cut.errors.contains("long.jsonl: 1 of 1 rows fill the"), "\(cut.errors)")
        }
        let text = try await GraftCommand.run(
            ["predict", "--text", "a", "--limit", "3"] + use,
            in: shop.path
        )
        #expect(text.status == 64 && text.errors.contains("--limit goes with --data"))
    }

    @Test func `several adapters answer side by side`() async throws {
        let shop = try Workshop()
        #expect(try await shop.train(output: "a").status == 0)
        #expect(try await shop.train(output: "b", "--seed", "1").status == 0)
        let outcome = try await shop.graft(
            "predict",
            "--model",
            shop.model,
            "--adapter",
            "a",
            "--adapter",
            "b",
            "--text",
            "the film was good",
            "--table"
        )
        #expect(outcome.status == 0, "\(outcome.errors)")
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first?.split(separator: " ") == ["a", "b", "text"])
        #expect(lines.last?.hasSuffix("the film was good") == true)
    }

    @Test func `encode writes a tensor a row, or pooled vectors of length one`() async throws {
        let shop = try Workshop()
        let common = ["encode", "--model", shop.model, "--data", "eval.jsonl", "--output"]
        let rows = try await GraftCommand.run(common + ["rows.safetensors"], in: shop.path)
        #expect(rows.status == 0, "\(rows.errors)")
        let pooled = try await GraftCommand.run(
            common + ["pooled.safetensors", "--pool", "mean", "--normalize"],
            in: shop.path
        )
        let few = try await GraftCommand.run(
            common + ["few.safetensors", "--limit", "3"],
            in: shop.path
        )
        #expect(few.status == 0, "\(few.errors)")
        #expect(try TensorFile(path: shop.path + "/few.safetensors").tensors.count == 3)
        #expect(pooled.status == 0, "\(pooled.errors)")
        let states = try TensorFile(path: shop.path + "/rows.safetensors").tensors
        let vectors = try TensorFile(path: shop.path + "/pooled.safetensors").tensors
        let embeddings = try #require(vectors["embeddings"])
        #expect(states.count == 12 && embeddings.shape == [12, 16])
        for row in 0..<12 {
            let hidden = try #require(states["last_hidden_state.\(row)"])
            let mean = try hidden.mean(along: 0)
            let length = try mean.squared().sum().item().squareRoot()
            try expectClose(
                embeddings.narrowed(row..<row + 1).reshaped(-1),
                mean * (1 / length)
            )
        }
    }

    @Test func `a file that is there is never written over`() async throws {
        let shop = try Workshop()
        let before = try shop.bytes("eval.jsonl")
        for command in [["encode"], ["tokenize"]] {
            let outcome = try await GraftCommand.run(
                command + [
                    "--model", shop.model, "--data", "eval.jsonl", "--output", "eval.jsonl",
                ],
                in: shop.path
            )
            #expect(outcome.status == 1 && outcome.errors.contains("eval.jsonl: there is a file"))
        }
        #expect(try shop.bytes("eval.jsonl") == before)
    }

    @Test func `an adapter changes hidden states`() async throws {
        let shop = try Workshop()
        #expect(try await shop.train(output: "a", "--learning-rate", "0.01").status == 0)
        for (name, more) in [("frozen", []), ("adapted", ["--adapter", "a"])] {
            let outcome = try await GraftCommand.run(
                [
                    "encode", "--model", shop.model, "--data", "eval.jsonl", "--pool", "cls",
                    "--output", name,
                ] + more,
                in: shop.path
            )
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        #expect(try shop.bytes("frozen") != shop.bytes("adapted"))
    }

    @Test func `a model is found by its id in the Hugging Face cache`() async throws {
        let shop = try Workshop()
        let hub = "hf/hub/models--org--tiny"
        _ = try shop.copyModel(to: hub + "/snapshots/2b")
        _ = try shop.copyModel(to: hub + "/snapshots/1a")
        let refs = URL(filePath: shop.path).appending(path: hub + "/refs")
        try FileManager.default.createDirectory(at: refs, withIntermediateDirectories: true)
        try shop.write("1a\n", to: hub + "/refs/main")
        let outcome = try await shop.graft("inspect", "--model", "org/tiny", "--json")
        let result = try outcome.json()
        #expect((result["path"] as? String)?.hasSuffix("/snapshots/1a") == true)
    }

    @Test func `tokenize shows ids and tokens`() async throws {
        let shop = try Workshop()
        let outcome = try await shop.graft(
            "tokenize",
            "--model",
            shop.model,
            "--text",
            "The films was strange",
            "--max-length",
            "5"
        )
        let row = try #require(try outcome.rows().first)
        #expect(row["tokens"] as? [String] == ["[CLS]", "the", "film", "##s", "[SEP]"])
        #expect((row["ids"] as? [Int])?.first == 2)
    }

    @Test func `inspect counts what a method adds without training`() async throws {
        let shop = try Workshop()
        let outcome = try await shop.graft(
            "inspect",
            "--model",
            shop.model,
            "--method",
            "seq_bn[reduction_factor=4]",
            "--labels",
            "3",
            "--json"
        )
        let result = try outcome.json()
        // 16 → 4 → 16 with biases, after the feed-forward of 2 layers.
        let one = 16 * 4 + 4 + 4 * 16 + 16
        #expect(result["adapter_parameters"] as? Int == 2 * one)
        let sites = try #require(result["sites"] as? [[String: Any]])
        #expect(
            sites.compactMap { $0["site"] as? String }
                == ["encoder.0.feed_forward", "encoder.1.feed_forward"]
        )
        #expect(sites.allSatisfy { $0["parameters"] as? Int == one })
    }

    @Test(arguments: TinyFamily.all)
    func `inspect shows every site of a family`(family: TinyFamily) async throws {
        let base = try TinyModel(family.model).base
        let outcome = try await Workshop().graft("inspect", "--model", base.path, "--json")
        let result = try outcome.json()
        #expect(result["family"] as? String == base.shape.family)
        let rows = try #require(result["sites"] as? [[String: Any]])
        let found = rows.compactMap { $0["site"] as? String }
        let sites = base.encoder.sites
        let expected =
            sites.linear.map(\.site) + sites.hidden.map(\.site) + sites.norm.map(\.site)
            + sites.attention.map(\.site) + sites.block.map(\.site) + sites.embedding.map(\.site)
        #expect(Set(found) == Set(expected.map(\.path)))
        #expect(found.count == expected.count)
    }

    @Test func `inspect recognises adapters, models and tensors`() async throws {
        let shop = try Workshop()
        #expect(try await shop.train(output: "a").status == 0)
        for (path, kind) in [
            ("a", "adapter"), (shop.model, "model"), ("a/adapter.safetensors", "safetensors"),
        ] {
            let outcome = try await shop.graft("inspect", path, "--json")
            #expect(try outcome.json()["kind"] as? String == kind, "\(outcome.errors)")
        }
    }
}

import Foundation
import GraftTestSupport
import Testing

@Suite struct TrainTests {
    @Test func `train writes an adapter with its report and prints what design promises`()
        async throws
    {
        let shop = try Workshop()
        let outcome = try await shop.train(output: "runs/a", "--eval", "eval.jsonl", "--json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let result = try outcome.json()
        let counts = try ["trainable", "adapter", "head", "total"].map {
            try #require(result[$0 + "_parameters"] as? Int, "\($0)")
        }
        // H = 16 in 2 layers: a bottleneck of 1 after attention and feed-forward; a head of 16 and 2.
        #expect(counts[1] == 4 * (16 + 1 + 16 + 16))
        #expect(counts[2] == 16 * 16 + 16 + 16 * 2 + 2)
        #expect(counts[0] == counts[1] + counts[2])
        #expect(counts[3] > counts[0])
        for key in [
            "examples_per_second", "tokens_per_second", "ready_seconds", "train_seconds",
            "eval_seconds", "peak_rss_bytes", "score", "majority_baseline",
        ] {
            let figure = try #require(result[key] as? Double, "\(key)")
            #expect(figure > 0, "\(key)")
        }
        let metrics = try #require(result["metrics"] as? [String: Any])
        #expect(metrics["accuracy"] as? Double == result["score"] as? Double)
        #expect((result["epochs"] as? [[String: Any]])?.count == 2)
        #expect(result["labels"] as? [String] == ["negative", "positive"])
        #expect(result["output"] as? String == "runs/a")
        for file in ["adapter_config.json", "adapter.safetensors", "report.html", "report.json"] {
            #expect(shop.holds("runs/a/" + file), "\(file)")
        }
        #expect(!shop.holds("runs/a.checkpoint"))
    }

    @Test func `without evaluation rows the last epoch is kept and metrics are null`()
        async throws
    {
        let shop = try Workshop()
        let result = try await shop.train(output: "a", "--json").json()
        #expect(result["metrics"] is NSNull)
        #expect(result["best_epoch"] as? Int == 2)
    }

    @Test func `equal seeds give equal bytes and other seeds do not`() async throws {
        let shop = try Workshop()
        for (name, seed) in [("a", "7"), ("b", "7"), ("c", "8")] {
            let outcome = try await shop.train(output: name, "--seed", seed, "--workers", "3")
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        let first = try shop.bytes("a/adapter.safetensors")
        #expect(try shop.bytes("b/adapter.safetensors") == first)
        #expect(try shop.bytes("c/adapter.safetensors") != first)
    }

    @Test func `an adapter is replaced only if asked`() async throws {
        let shop = try Workshop()
        #expect(try await shop.train(output: "a").status == 0)
        let kept = try shop.bytes("a/adapter.safetensors")
        let refused = try await shop.train(output: "a", "--seed", "1")
        #expect(refused.status != 0)
        #expect(refused.errors.contains("--overwrite"))
        #expect(try shop.bytes("a/adapter.safetensors") == kept)
        try shop.write("mine", to: "a/notes.txt")
        let foreign = try await shop.train(output: "a", "--seed", "1", "--overwrite")
        #expect(foreign.status != 0)
        #expect(foreign.errors.contains("a: the folder also holds 'notes.txt'"))
        #expect(try shop.bytes("a/adapter.safetensors") == kept)
        try FileManager.default.removeItem(atPath: shop.path + "/a/notes.txt")
        #expect(try await shop.train(output: "a", "--seed", "1", "--overwrite").status == 0)
        #expect(try shop.bytes("a/adapter.safetensors") != kept)
    }

    @Test func `classes that differ in case alone are told of`() async throws {
        let shop = try Workshop()
        let rows = ["true", "True", "false"].map { #"{"text": "the film", "label": "\#($0)"}"# }
        try shop.write(rows.joined(separator: "\n"), to: "case.jsonl")
        let outcome = try await shop.train(
            output: "a",
            "--train",
            "case.jsonl",
            "--eval",
            "case.jsonl"
        )
        #expect(outcome.status == 0)
        #expect(
            outcome.errors.contains(
                "case.jsonl: the classes 'True' and 'true' differ in case alone"
            )
        )
    }

    // Nothing correlates with answers that are all the same.
    @Test func `where the score is no number the loss chooses the epoch`() async throws {
        let shop = try Workshop()
        let rows = (0..<8).map { #"{"text": "the film was good", "label": 0.\#($0)}"# }
        try shop.write(rows.joined(separator: "\n"), to: "same.jsonl")
        let outcome = try await shop.train(
            on: "same.jsonl",
            scoredOn: "same.jsonl",
            "--task",
            "regression",
            "--epochs",
            "6",
            "--patience",
            "2",
            "--json"
        )
        #expect(outcome.status == 0, "\(outcome.errors)")
        let result = try outcome.json()
        let epochs = try #require(result["epochs"] as? [[String: Any]])
        let losses = try epochs.map { epoch in
            let metrics = try #require(epoch["metrics"] as? [String: Any])
            #expect(metrics["pearson"] is NSNull)
            return try #require(metrics["loss"] as? Double)
        }
        let best = try #require(result["best_epoch"] as? Int)
        #expect(losses[best - 1] == losses.min())
        #expect(epochs.count == min(6, best + 2), "patience counts by the loss as well")
    }

    @Test func `rows that cannot tell a good answer are refused or warned of`() async throws {
        let shop = try Workshop()
        let numbers = Array(repeating: #"{"text": "the film was good", "label": 0.5}"#, count: 3)
        try shop.write(numbers.joined(separator: "\n"), to: "same.jsonl")
        let constant = try await shop.train(
            on: "same.jsonl",
            scoredOn: "same.jsonl",
            "--task",
            "regression"
        )
        #expect(constant.status == 1)
        #expect(constant.errors.contains("all rows of --eval have the number 0.5"))
        try shop.write(#"{"text": "the film was good", "label": "yes"}"#, to: "one.jsonl")
        try shop.write(
            """
            {"text": "the film was good", "label": "yes"}
            {"text": "the film was bad", "label": "no"}
            """,
            to: "two.jsonl"
        )
        let sole = try await shop.train(on: "two.jsonl", scoredOn: "one.jsonl", "--epochs", "1")
        #expect(sole.status == 0, "\(sole.errors)")
        #expect(sole.errors.contains("one.jsonl: all rows to score on have the class 'yes'"))
        try shop.write(#"{"text": "good", "text_b": "bad", "label": "yes"}"#, to: "pair.jsonl")
        let pair = try await shop.train(on: "two.jsonl", scoredOn: "pair.jsonl", output: "b")
        #expect(pair.status == 1)
        #expect(pair.errors.contains("pair.jsonl: the rows have two texts each"))
        let single = try await shop.train(on: "one.jsonl", scoredOn: "two.jsonl", output: "b")
        #expect(single.status == 1)
        #expect(single.errors.contains("all rows have the class 'yes'"))
        let swapped = try await shop.graft(
            "train",
            "--model",
            "a",
            "--train",
            "two.jsonl",
            "--output",
            "b"
        )
        #expect(swapped.status == 1)
        #expect(swapped.errors.contains("a: an adapter, where a model's folder is wanted"))
        let copied = try await shop.train(
            on: "two.jsonl",
            scoredOn: "one.jsonl",
            output: "b",
            "--text-column",
            "label"
        )
        #expect(copied.status == 1)
        #expect(copied.errors.contains("'label' is named for two columns"))
    }

    @Test(arguments: [
        ("regression", #"{"text": "the film was good", "label": 0.5}"#, "pearson"),
        ("multilabel", #"{"text": "the film was good", "labels": ["x", "y"]}"#, "f1_micro"),
        ("multi-label", #"{"text": "the book was bad", "labels": ["x"]}"#, "f1_micro"),
        ("tagging", #"{"tokens": ["alice", "was", "good"], "tags": ["B", "O", "O"]}"#, "entity_f1"),
    ])
    func `every task trains and predicts`(task: String, row: String, metric: String) async throws {
        let shop = try Workshop()
        let other = row.replacing("0.5", with: "0.25")
        try shop.write([row, row, other].joined(separator: "\n"), to: "rows.jsonl")
        let trained = try await shop.graft(
            "train",
            "--model",
            shop.model,
            "--task",
            task,
            "--train",
            "rows.jsonl",
            "--eval",
            "rows.jsonl",
            "--output",
            "a",
            "--epochs",
            "1",
            "--json"
        )
        #expect(trained.status == 0, "\(trained.errors)")
        #expect(try trained.json()["primary_metric"] as? String == metric)
        let predicted = try await shop.graft(
            "predict",
            "--model",
            shop.model,
            "--adapter",
            "a",
            "--data",
            "rows.jsonl",
            "--logits"
        )
        #expect(predicted.status == 0, "\(predicted.errors)")
        let first = try #require(try predicted.rows().first)
        let answer = ["regression": "value", "tagging": "tags"][task] ?? "labels"
        #expect(first[answer] != nil, "\(first)")
        #expect(first["logits"] is [Any])
    }

    @Test func `settings come from a run file and arguments override them`() async throws {
        let shop = try Workshop()
        try shop.write(
            """
            model: \(shop.model)
            train: train.jsonl
            output: from-file
            epochs: 1
            learning_rate: 1e-3
            labels: [positive, negative]
            quiet: true
            json: true
            """,
            to: "run.yaml"
        )
        let outcome = try await shop.graft("train", "--config", "run.yaml", "--epochs=3")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let result = try outcome.json()
        #expect(result["output"] as? String == "from-file")
        #expect((result["epochs"] as? [Any])?.count == 3)
        #expect(result["labels"] as? [String] == ["positive", "negative"])
    }
}

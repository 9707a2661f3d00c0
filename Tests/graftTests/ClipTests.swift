import Foundation
import GraftFormats
import GraftTestSupport
import GraftTorch
import Testing

/// The commands on a CLIP model: pairs of pictures and texts, and classes known by their names.
@Suite struct ClipTests {
    static func shop() throws -> Workshop {
        let shop = try Workshop(model: "clip/h12")
        try shop.copyPicture("rgb.png", to: "test/film/1.png", "test/film/2.png")
        try shop.copyPicture("baseline.jpg", to: "test/book/1.jpg", "test/book/2.jpg")
        try shop.write(
            """
            {"id": 1, "image": "test/film/1.png", "captions": ["film is fine", "film was good"]}
            {"id": 2, "image": "test/book/1.jpg", "captions": ["book is bad", "book was poor"]}
            """,
            to: "captions.jsonl"
        )
        return shop
    }

    private static func trainPairs(_ shop: Workshop) async throws -> GraftCommand.Outcome {
        try await shop.graft(
            "train",
            "--model",
            shop.model,
            "--task",
            "image-text",
            "--train",
            "captions.jsonl",
            "--eval",
            "captions.jsonl",
            "--method",
            "lora",
            "--learning-rate",
            "2e-2",
            "--epochs",
            "40",
            "--batch",
            "4",
            "--output",
            "pairs",
            "--quiet",
            "--json"
        )
    }

    @Test func `pairs train, and their adapter is scored by retrieval and by names`() async throws {
        let shop = try ClipTests.shop()
        let trained = try await ClipTests.trainPairs(shop)
        #expect(trained.status == 0, "\(trained.errors)")
        let result = try trained.json()
        #expect(result["primary_metric"] as? String == "recall_at_1")
        #expect(result["score"] as? Double == 1)
        #expect(result["head_parameters"] as? Int == 0)

        let eval = ["eval", "--model", shop.model, "--json", "--data"]
        let frozen = try await GraftCommand.run(eval + ["captions.jsonl"], in: shop.path)
        #expect(frozen.status == 0, "\(frozen.errors)")
        #expect(try frozen.json()["rows"] as? Int == 4)
        let adapted = try await GraftCommand.run(
            eval + ["captions.jsonl", "--adapter", "pairs"],
            in: shop.path
        )
        #expect(adapted.status == 0, "\(adapted.errors)")
        let metrics = try #require(try adapted.json()["metrics"] as? [String: Any])
        #expect(metrics["image_recall_at_1"] as? Double == 1)
        #expect(metrics["text_recall_at_1"] as? Double == 1)

        // Captions that begin with the name of a class taught the names.
        let named = try await GraftCommand.run(
            eval + [
                "test", "--adapter", "pairs", "--zero-shot", "--template", "{} is", "--template",
                "{} was",
            ],
            in: shop.path
        )
        #expect(named.status == 0, "\(named.errors)")
        let score = try #require(try named.json()["metrics"] as? [String: Any])
        #expect(score["accuracy"] as? Double == 1)
        #expect((score["confusion"] as? [String: Any])?["counts"] != nil)
    }

    @Test func `a frozen model answers by names`() async throws {
        let shop = try ClipTests.shop()
        let outcome = try await shop.graft(
            "predict",
            "--model",
            shop.model,
            "--classes",
            "film, book,song",
            "--data",
            "test",
            "--logits"
        )
        #expect(outcome.status == 0, "\(outcome.errors)")
        let rows = try outcome.rows()
        #expect(
            rows.map { $0["id"] as? String } == [
                "book/1.jpg", "book/2.jpg", "film/1.png", "film/2.png",
            ]
        )
        for row in rows {
            let scores = try #require(row["scores"] as? [String: Double])
            #expect(scores.keys.sorted() == ["book", "film", "song"])
            let label = try #require(row["label"] as? String)
            #expect(scores[label] == scores.values.max())
        }
        let table = try await shop.graft(
            "predict",
            "--model",
            shop.model,
            "--classes",
            "film,book",
            "--image",
            "test/film/1.png",
            "--table"
        )
        #expect(
            table.output.split(separator: "\n").first?.split(separator: " ") == [
                "zero-shot", "image",
            ]
        )
    }

    @Test func `pictures and texts are encoded into one space`() async throws {
        let shop = try ClipTests.shop()
        try shop.write(#"{"text": "the film is good"}"#, to: "texts.jsonl")
        let encode = ["encode", "--model", shop.model, "--project", "--normalize"]
        for (name, more, count) in [
            ("pictures", ["--data", "test"], 4),
            ("texts", ["--data", "texts.jsonl", "--texts"], 1),
        ] {
            let outcome = try await GraftCommand.run(
                encode + more + ["--output", name + ".safetensors"],
                in: shop.path
            )
            #expect(outcome.status == 0, "\(outcome.errors)")
            let file = try TensorFile(path: shop.path + "/\(name).safetensors")
            let vectors = try #require(file.tensors["embeddings"])
            #expect(vectors.shape == [count, 6])
            let first: [Double] = try vectors.narrowed(0..<1).values()
            #expect(abs(first.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
        }
    }

    @Test(
        arguments: [
            (
                ["predict", "--classes", "film", "--template", "no gap", "--data", "test"], 1,
                ["'no gap'", "{}"]
            ),
            (["predict", "--classes", "film,film", "--data", "test"], 1, ["'film' appears twice"]),
            (["predict", "--data", "test"], 64, ["--adapter"]),
            (["predict", "--data", "test", "--adapter", "pairs"], 1, ["pairs", "--classes"]),
            (
                ["predict", "--classes", "a", "--adapter", "head", "--data", "test"], 1,
                ["classification", "image-text"]
            ),
            (
                ["predict", "--adapter", "stack(pairs,head)", "--data", "test"], 1,
                ["'pairs' acts in both towers", "graft merge"]
            ),
            (["eval", "--data", "test", "--classes", "film"], 64, ["--zero-shot"]),
            (["eval", "--data", "test"], 1, ["test", "folders tell one class"]),
            (["eval", "--data", "test", "--zero-shot", "--classes", "film"], 1, ["'book'"]),
            (["encode", "--data", "test", "--texts", "--output", "x"], 64, ["--project"]),
        ] as [([String], Int32, [String])]
    )
    func `what cannot be asked of it`(
        arguments: [String],
        status: Int32,
        parts: [String]
    ) async throws {
        let shop = try ClipTests.shop()
        let asked = arguments.joined(separator: " ")
        if asked.contains("pairs") {
            #expect(try await ClipTests.trainPairs(shop).status == 0)
        }
        if asked.contains("head") {
            let outcome = try await shop.graft(
                "train",
                "--model",
                shop.model,
                "--train",
                "test",
                "--epochs",
                "1",
                "--output",
                "head",
                "--quiet"
            )
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        let outcome = try await GraftCommand.run(
            arguments + ["--model", shop.model],
            in: shop.path
        )
        #expect(outcome.status == status && outcome.output.isEmpty, "\(outcome.errors)")
        for part in parts { #expect(outcome.errors.contains(part), "\(outcome.errors)") }
    }

    @Test func `models without a common space are refused`() async throws {
        let shop = try Workshop()
        let train = try await shop.train(output: "a", "--task", "image-text")
        #expect(train.status == 1 && train.errors.contains("a CLIP model does"), "\(train.errors)")
        let eval = try await shop.graft("eval", "--model", shop.model, "--data", "eval.jsonl")
        #expect(eval.status == 64 && eval.errors.contains("--adapter"), "\(eval.errors)")
    }
}

import Foundation
import GraftTestSupport
import Testing

/// `--task question-answering` and `--task multiple-choice` at the commands.
@Suite struct QuestionCommandTests {
    private func train(
        _ shop: Workshop,
        _ task: String,
        _ more: String...
    ) async throws -> GraftCommand.Outcome {
        try await GraftCommand.run(
            [
                "train", "--model", shop.model, "--task", task, "--train", "rows.jsonl", "--eval",
                "rows.jsonl", "--method", "lora[r=8,target_modules=all-linear]", "--batch", "4",
                "--learning-rate", "0.01", "--output", "a", "--quiet", "--json",
            ] + more,
            in: shop.path
        )
    }

    @Test func `questions are learned, scored and answered`() async throws {
        let shop = try Workshop()
        let lines = ["film", "book", "song", "play"].flatMap { subject in
            ["good", "bad", "great"].map { word in
                """
                {"id": "\(subject)-\(word)", "question": "is the \(subject) good", "context": "alice was in paris . \
                the \(subject) is very \(word) , not bob", "answers": [{"text": "\(word)", "answer_start": \
                \(34 + subject.count)}]}
                """
            }
        }
        try shop.write(lines.joined(separator: "\n"), to: "rows.jsonl")
        let trained = try await train(
            shop,
            "question-answering",
            "--epochs",
            "40",
            "--max-length",
            "16",
            "--stride",
            "4"
        )
        #expect(trained.status == 0, "\(trained.errors)")
        let result = try trained.json()
        #expect(result["primary_metric"] as? String == "token_f1")
        let warning =
            "rows.jsonl: --eval is the file that is learned from: scores say nothing of new rows"
        #expect(result["warnings"] as? [String] == [warning])
        #expect(try #require(result["score"] as? Double) > 0.9)
        let use = ["--model", shop.model, "--adapter", "a", "--data", "rows.jsonl"]
        let scored = try await GraftCommand.run(["eval"] + use + ["--json"], in: shop.path).json()
        let metrics = try #require(scored["metrics"] as? [String: Any])
        #expect(metrics["token_f1"] as? Double == result["score"] as? Double)
        #expect(metrics["exact_match"] is Double && metrics["loss"] is Double)
        let rows = try await GraftCommand.run(["predict"] + use, in: shop.path).rows()
        #expect(rows.count == 12 && rows[0]["id"] as? String == "film-good")
        let (start, end) = (rows[0]["start"] as? Int, rows[0]["end"] as? Int)
        let answer = try #require(rows[0]["answer"] as? String)
        #expect(try #require(end) - #require(start) == answer.count && rows[0]["score"] is Double)
        let text = try await shop.predict("is it good", adapter: "a")
        #expect(
            text.status == 1 && text.errors.contains("--pair with the context"),
            "\(text.errors)"
        )
        let given = try await GraftCommand.run(
            [
                "predict", "--model", shop.model, "--adapter", "a", "--text", "is the film good",
                "--pair", "alice was in paris . the film is very good , not bob",
            ],
            in: shop.path
        )
        #expect(try given.rows()[0]["answer"] as? String == answer, "\(given.errors)")
        let table = try await GraftCommand.run(["predict"] + use + ["--table"], in: shop.path)
        #expect(table.output.contains(answer))
    }

    @Test func `choices are learned, scored and made`() async throws {
        let shop = try Workshop()
        let subjects = ["film", "book", "song", "play"]
        let lines = (0..<24).map { number -> String in
            let (right, count) = (number % 4, 2 + number / 4 % 3)
            let place = number % count
            var choices = (0..<count).map { "a \(subjects[(right + 1 + $0) % 4])" }
            choices[place] = "the \(subjects[right])"
            let list = choices.map { "\"\($0)\"" }.joined(separator: ", ")
            return #"{"premise": "alice was", "options": [\#(list)], "gold": \#(place)}"#
        }
        try shop.write(lines.joined(separator: "\n"), to: "rows.jsonl")
        let trained = try await train(
            shop,
            "multiple-choice",
            "--epochs",
            "40",
            "--method",
            "double_seq_bn",
            "--text-column",
            "premise",
            "--pair-column",
            "options",
            "--label-column",
            "gold"
        )
        #expect(trained.status == 0, "\(trained.errors)")
        let result = try trained.json()
        #expect(result["primary_metric"] as? String == "accuracy")
        #expect(try #require(result["score"] as? Double) > 0.9)
        let use = ["--model", shop.model, "--adapter", "a", "--data", "rows.jsonl"]
        let scored = try await GraftCommand.run(["eval"] + use + ["--json"], in: shop.path).json()
        let metrics = try #require(scored["metrics"] as? [String: Any])
        #expect(metrics["accuracy"] as? Double == result["score"] as? Double)
        let rows = try await GraftCommand.run(["predict"] + use + ["--logits"], in: shop.path)
            .rows()
        let hits = rows.enumerated().count { number, row in
            row["label"] as? Int == number % (2 + number / 4 % 3)
                && (row["scores"] as? [Double])?.count == 2 + number / 4 % 3
                && (row["logits"] as? [Double])?.count == 2 + number / 4 % 3
        }
        #expect(Double(hits) / 24 == result["score"] as? Double)
        #expect(rows.allSatisfy { $0["choice"] is String })
    }

    @Test func `what does not go with the tasks is refused`() async throws {
        let shop = try Workshop()
        let stride = try await shop.train(output: "b", "--stride", "4")
        #expect(stride.status == 64 && stride.errors.contains("--stride"))
        try shop.write(#"{"text": "a", "choices": ["b", "c"], "label": 1}"#, to: "rows.jsonl")
        let labels = try await train(shop, "multiple-choice", "--labels", "a,b")
        #expect(labels.status == 64 && labels.errors.contains("no --labels"), "\(labels.errors)")
        #expect(!shop.holds("a"))
        let bench = try await shop.graft(
            "bench",
            "--model",
            shop.model,
            "--task",
            "multiple-choice",
            "--train",
            "train.jsonl"
        )
        #expect(bench.status == 64 && bench.errors.contains("bench measures"))
    }
}

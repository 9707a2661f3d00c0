import Foundation
import GraftTestSupport
import Testing

/// `graft few-shot`, and what the other commands make of the adapters that it keeps.
@Suite struct FewShotTests {
    private func command(_ shop: Workshop) -> [String] {
        ["few-shot", "--model", shop.model, "--train", "test", "--eval", "test"]
    }

    @Test func `few pictures of each class are enough for two pictures`() async throws {
        let shop = try ClipTests.shop()
        let few = command(shop)
        let outcome = try await GraftCommand.run(
            few + ["--shots", "1,2", "--alpha", "100", "--json"],
            in: shop.path
        )
        #expect(outcome.status == 0, "\(outcome.errors)")
        let results = try #require(try outcome.json()["results"] as? [[String: Any]])
        #expect(results.map { $0["rows"] as? Int } == [2, 4])
        for result in results {
            #expect(result["tip_adapter"] as? Double == 1)
            #expect(result["tip_adapter_f"] as? Double == 1)
        }
        let table = try await GraftCommand.run(few + ["--shots", "1"], in: shop.path)
        #expect(table.output.contains("CLIP-Adapter"), "\(table.errors)")
        let most = try await GraftCommand.run(few + ["--shots", "2,3"], in: shop.path)
        #expect(most.errors.contains("--shots 3: '"), "\(most.errors)")
        #expect(most.errors.contains("' has 2 pictures, which are all taken"))
        let bad = try await GraftCommand.run(few + ["--shots", "0"], in: shop.path)
        #expect(bad.status == 64 && bad.errors.contains("--shots"))
        for (more, part) in [
            (["--shots", "1,1"], "names a number twice"), (["--alpha", "-1"], "--alpha must be"),
            (["--learning-rate", "1000"], "--learning-rate must be positive and below 100"),
            (["--ratio", "2"], "--ratio must be from 0 to 1"),
        ] {
            let refused = try await GraftCommand.run(few + more, in: shop.path)
            #expect(refused.status == 64 && refused.errors.contains(part), "\(refused.errors)")
        }
        #expect(table.errors.contains("--eval: the pictures to learn from"))
        try shop.copyPicture("rgb.png", to: "one/film/1.png")
        let sole = try await shop.graft(
            "few-shot",
            "--model",
            shop.model,
            "--train",
            "one",
            "--eval",
            "test",
            "--classes",
            "film"
        )
        #expect(sole.status == 1 && sole.errors.contains("is the only class"), "\(sole.errors)")
    }

    @Test func `what is kept answers as it did`() async throws {
        let shop = try ClipTests.shop()
        let few =
            command(shop) + [
                "--shots", "1,2", "--validation", "test", "--output", "kept", "--json",
            ]
        let outcome = try await GraftCommand.run(few, in: shop.path)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let results = try #require(try outcome.json()["results"] as? [[String: Any]])
        #expect(results.count == 2)
        for name in ["tip_adapter_alpha", "tip_adapter_f_beta"] {
            #expect(results.allSatisfy { $0[name] is Double }, "\(name)")
        }
        let names = ["tip_adapter", "tip_adapter_f", "clip_adapter"]
        for result in results {
            let shots = try #require(result["shots"] as? Int)
            for name in names {
                let eval = try await shop.eval(
                    "kept/\(name)-\(shots)",
                    on: "test",
                    "--json"
                )
                #expect(eval.status == 0, "\(eval.errors)")
                let metrics = try #require(try eval.json()["metrics"] as? [String: Any])
                #expect(metrics["accuracy"] as? Double == result[name] as? Double)
            }
        }
        let predict = try await shop.graft(
            "predict",
            "--model",
            shop.model,
            "--adapter",
            "kept/tip_adapter_f-2",
            "--adapter",
            "kept/clip_adapter-2",
            "--image",
            "test/film/1.png"
        )
        #expect(predict.status == 0, "\(predict.errors)")
        #expect(try predict.rows().map { $0["label"] as? String }.first == "film")
        let inspect = try await shop.graft("inspect", "kept/tip_adapter_f-2", "--json")
        #expect(inspect.status == 0, "\(inspect.errors)")
        #expect(try inspect.json()["method"] as? String == "tip_adapter_f")

        let again = try await GraftCommand.run(few, in: shop.path)
        #expect(again.status == 1 && again.errors.contains("kept"), "\(again.errors)")
    }
}

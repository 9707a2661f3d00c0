import Foundation
import GraftFormats
import GraftTestSupport
import GraftTorch
import Testing

@Suite struct MergeTests {
    private func merge(_ shop: Workshop, _ adapter: String, _ more: String...) async throws
        -> GraftCommand.Outcome
    {
        try await GraftCommand.run(
            ["merge", "--model", shop.model, "--adapter", adapter, "--output", "merged"] + more,
            in: shop.path
        )
    }

    /// Trains an adapter `a`, merges it, and expects the merged model to differ from the model in values alone.
    ///
    /// - Returns: The model's checkpoint and the merged one's.
    private func trainAndMerge(_ shop: Workshop, _ method: String) async throws
        -> (old: Checkpoint, new: Checkpoint)
    {
        let trained = try await shop.train(
            output: "a",
            "--method",
            method,
            "--learning-rate",
            "0.02"
        )
        #expect(trained.status == 0, "\(trained.errors)")
        let outcome = try await merge(shop, "a", "--json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let result = try outcome.json()
        let difference = try #require(result["largest_difference"] as? Double)
        let effect = try #require(result["adapter_effect"] as? Double)
        #expect(difference <= 1e-4 && effect > 100 * difference, "\(difference), \(effect)")
        #expect(result["rows"] as? Int == 256)
        let (old, new) = (
            try Checkpoint(path: shop.model), try Checkpoint(path: shop.path + "/merged")
        )
        #expect(Set(old.names) == Set(new.names))
        for name in old.names {
            #expect(try old.tensor(name).entry.shape == new.tensor(name).entry.shape)
            #expect(try old.tensor(name).entry.elementType == new.tensor(name).entry.elementType)
        }
        return (old, new)
    }

    @Test(arguments: [
        "lora[target_modules=[\"query\",\"key\"]]", "dora", "adalora[init_r=4,target_r=2]", "ia3",
        "ia3_paper", "vera", "full",
    ])
    func `a merged model answers as the adapter did`(method: String) async throws {
        let shop = try Workshop()
        _ = try await trainAndMerge(shop, method)

        func logits(_ model: String, _ adapter: String) async throws -> [[Double]] {
            let outcome = try await shop.graft(
                "predict",
                "--model",
                model,
                "--adapter",
                adapter,
                "--data",
                "eval.jsonl",
                "--logits"
            )
            #expect(outcome.status == 0, "\(outcome.errors)")
            return try outcome.rows().map { try #require($0["logits"] as? [Double]) }
        }
        let before = try await logits(shop.model, "a").joined()
        let after = try await logits("merged", "merged/head").joined()
        for (a, b) in zip(before, after) { #expect(abs(a - b) <= 1e-4) }
        for file in ["config.json", "vocab.txt"] { #expect(shop.holds("merged/" + file)) }
    }

    @Test func `a bfloat16 model takes over what it can hold, and says how much that is`()
        async throws
    {
        let shop = try Workshop()
        let weights = try shop.copyModel(to: "half")
        let path = weights.path(percentEncoded: false)
        let halved = try TensorFile(path: path).tensors.mapValues {
            try Tensor($0.values() as [Float], shape: $0.shape).converted(to: .bfloat16)
        }
        try TensorFile(halved, metadata: ["format": "pt"]).write(to: path)
        let trained = try await shop.train(
            output: "a",
            "--model",
            "half",
            "--method",
            "lora",
            "--learning-rate",
            "0.05"
        )
        #expect(trained.status == 0, "\(trained.errors)")
        let outcome = try await merge(shop, "a", "--model", "half", "--json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let result = try outcome.json()
        let difference = try #require(result["largest_difference"] as? Double)
        #expect(difference > 1e-5, "rounding to 8 bits costs something")
        #expect(result["tolerance"] as? Double == 0.2)
        let merged = try Checkpoint(path: shop.path + "/merged")
        #expect(merged.tensors.allSatisfy { $0.entry.elementType == .bfloat16 })
        let refused = try await GraftCommand.run(
            [
                "merge", "--model", "half", "--adapter", "a", "--output", "strict", "--tolerance",
                "1e-7",
            ],
            in: shop.path
        )
        #expect(refused.status == 1 && refused.errors.contains("--tolerance"), "\(refused.errors)")
        #expect(!shop.holds("strict"))
        #expect(!shop.contents("").contains { $0.hasSuffix(".partial") })
    }

    @Test(arguments: [
        ("seq_bn", "cannot become part of the frozen weights"),
        ("prompt_tuning", "cannot become part of the frozen weights"),
        ("head", "there is nothing to merge"),
    ])
    func `what no weight can hold is refused`(method: String, message: String) async throws {
        let shop = try Workshop()
        #expect(try await shop.train(output: "a", "--method", method).status == 0)
        let outcome = try await merge(shop, "a")
        #expect(outcome.status == 1 && outcome.errors.contains(message), "\(outcome.errors)")
        #expect(!shop.holds("merged"))
        #expect(!shop.contents("").contains { $0.hasSuffix(".partial") })
    }

    /// GPT-2 stores projections transposed, and those of queries, keys and values as one.
    @Test(arguments: [
        "lora[target_modules=[\"query\",\"value\"]]",
        "lora[target_modules=all-linear,bias=lora_only]",
        "ia3", "full",
    ])
    func `parts of a matrix take over what acts at them`(method: String) async throws {
        let shop = try Workshop(model: "gpt2/tied")
        let (old, new) = try await trainAndMerge(shop, method)
        guard method.contains("query") else { return }
        // Keys, which nothing acted at, are as they were.
        func keys(_ checkpoint: Checkpoint) throws -> Tensor {
            let name = try #require(old.names.first { $0.hasSuffix("h.0.attn.c_attn.weight") })
            let whole = try Tensor(checkpoint.tensor(name))
            let width = whole.size(1) / 3
            return try whole.narrowed(width..<2 * width, along: 1)
        }
        let (before, after): ([Float], [Float]) = (try keys(old).values(), try keys(new).values())
        #expect(before == after)
    }

    @Test func `a composition is no adapter to merge`() async throws {
        let outcome = try await merge(Workshop(), "stack(a,b)")
        #expect(outcome.status == 1 && outcome.errors.contains("this takes one adapter"))
    }

    @Test func `a folder that holds something stays`() async throws {
        let shop = try Workshop()
        #expect(try await shop.train(output: "a", "--method", "lora").status == 0)
        let outcome = try await GraftCommand.run(
            ["merge", "--model", shop.model, "--adapter", "a", "--output", "a"],
            in: shop.path
        )
        #expect(outcome.status == 1 && shop.holds("a/adapter_config.json"), "\(outcome.errors)")
    }
}

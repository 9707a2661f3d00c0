import Foundation
import GraftFormats
import GraftTestSupport
import GraftTorch
import Testing

@Suite struct FuseTests {
    /// A workshop with two bottleneck adapters, `one` and `two`.
    private func shop() async throws -> Workshop {
        let shop = try Workshop()
        for (name, seed) in [("one", "1"), ("two", "2")] {
            let outcome = try await shop.train(
                output: "members/" + name,
                "--seed",
                seed,
                "--learning-rate",
                "0.05"
            )
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        return shop
    }

    private func arguments(_ shop: Workshop, output: String, _ more: String...) -> [String] {
        [
            "fuse", "--model", shop.model, "--adapters", "members/one,zwei=members/two", "--train",
            "train.jsonl", "--eval", "eval.jsonl", "--epochs", "3", "--batch", "8", "--output",
            output,
        ] + more
    }

    @Test func `a fusion keeps its members and is an adapter as any other`() async throws {
        let shop = try await shop()
        let fused = try await GraftCommand.run(
            arguments(shop, output: "fused", "--json"),
            in: shop.path
        )
        #expect(fused.status == 0, "\(fused.errors)")
        let result = try fused.json()
        let bundle = try AdapterBundle(path: shop.path + "/fused")
        #expect(bundle.methodName == "fuse(one,zwei)")
        for (number, name) in ["one", "two"].enumerated() {
            let member = try AdapterBundle(path: "\(shop.path)/members/\(name)")
            for layer in 0..<2 {
                let place = "adapter.encoder.\(layer).feed_forward"
                let kept = try #require(bundle.tensors["\(place).\(number).down.weight"])
                let given = try #require(member.tensors["\(place).down.weight"])
                #expect(try kept.values() as [Float] == given.values())
            }
        }
        // At each of four sites of 16: query and key with biases, value without; a head of 16 and 2.
        let fusion = 4 * (2 * (16 * 16 + 16) + 16 * 16)
        #expect(result["adapter_parameters"] as? Int == fusion)
        #expect(result["trainable_parameters"] as? Int == fusion + 16 * 16 + 16 + 16 * 2 + 2)

        let weights = try #require(result["fusion"] as? [String: Any])
        #expect(weights["adapters"] as? [String] == ["one", "zwei"])
        let sites = try #require(weights["sites"] as? [[String: Any]])
        #expect(
            sites.map { $0["site"] as? String } == [
                "encoder.0.attention", "encoder.0.feed_forward", "encoder.1.attention",
                "encoder.1.feed_forward",
            ]
        )
        for site in sites {
            let shares = try #require(site["weights"] as? [Double])
            #expect(abs(shares.reduce(0, +) - 1) < 1e-5 && shares.allSatisfy { $0 > 0 })
        }
        let page = String(decoding: try shop.bytes("fused/report.html"), as: UTF8.self)
        #expect(page.contains("Mean attention weight of each fused adapter"))

        let scored = try await shop.eval("fused", on: "eval.jsonl", "--json")
        let metrics = try #require(try scored.json()["metrics"] as? [String: Any])
        #expect(metrics["accuracy"] as? Double == result["score"] as? Double)
        let inspected = try await shop.graft("inspect", "fused", "--json")
        #expect(try inspected.json()["method"] as? String == "fuse(one,zwei)")
    }

    @Test func `a stopped fusion goes on to the same bytes, and not with other members`()
        async throws
    {
        let shop = try await shop()
        let long = ["--epochs", "80", "--checkpoint-every", "20", "--workers", "1"]
        let whole = try await GraftCommand.run(
            arguments(shop, output: "whole") + long,
            in: shop.path
        )
        #expect(whole.status == 0, "\(whole.errors)")
        let running = try GraftCommand.start(arguments(shop, output: "cut") + long, in: shop.path)
        #expect(await running.send(SIGTERM) { running.errors.contains("epoch 2/80") })
        #expect(try await running.finished().status == 130)

        let other = try await shop.train(output: "members/other", "--seed", "3")
        #expect(other.status == 0)
        let swapped = try await GraftCommand.run(
            arguments(shop, output: "cut") + long
                + ["--resume", "--adapters", "members/one,zwei=members/other"],
            in: shop.path
        )
        #expect(
            swapped.status == 1 && swapped.errors.contains("cannot resume"),
            "\(swapped.errors)"
        )
        let resumed = try await GraftCommand.run(
            arguments(shop, output: "cut") + long + ["--resume"],
            in: shop.path
        )
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(
            try shop.bytes("cut/adapter.safetensors") == shop.bytes("whole/adapter.safetensors")
        )
    }

    // Of query and value in two layers, each 16 x 16; AdaLoRA has a value for each rank besides.
    @Test(arguments: [
        ("head", 0), ("lora[r=2]", 4 * 2 * (16 + 16)),
        ("adalora[init_r=2,target_r=1,tinit=1,tfinal=1]", 4 * 2 * (16 + 16 + 1)),
    ])
    func `a method is trained on an adapter that stays as it is`(
        method: String,
        parameters: Int
    ) async throws {
        let shop = try await shop()
        let outcome = try await shop.train(
            output: "upper",
            "--method",
            method,
            "--on",
            "members/one",
            "--json"
        )
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try outcome.json()["adapter_parameters"] as? Int == parameters)
        let upper = try AdapterBundle(path: shop.path + "/upper")
        let lower = try AdapterBundle(path: shop.path + "/members/one")
        let kept = try #require(upper.tensors["adapter.encoder.1.attention.0.up.weight"])
        let given = try #require(lower.tensors["adapter.encoder.1.attention.up.weight"])
        #expect(try kept.values() as [Float] == given.values())
        let answered = try await shop.predict("good", adapter: "upper")
        #expect(answered.status == 0, "\(answered.errors)")
    }

    @Test func `a damaged fusion is refused by the name of its tensor`() async throws {
        let shop = try await shop()
        #expect(
            try await GraftCommand.run(arguments(shop, output: "fused"), in: shop.path).status == 0
        )
        let name = "adapter.encoder.0.feed_forward.fusion.query.weight"
        try shop.rewriteAdapter("fused") { #expect($0.removeValue(forKey: name) != nil) }
        let outcome = try await shop.predict("good", adapter: "fused")
        #expect(outcome.status == 1 && outcome.errors.contains(name), "\(outcome.errors)")
    }

    @Test(arguments: [
        (["--adapters", "members/one"], "two or more"),
        (["--adapters", "members/one,members/none"], "members/none: no adapter here"),
        (["--adapters", "a=members/one,a=members/two"], "two of them are called 'a'"),
        (["--adapters", "members/one,members/lora"], "bottleneck"),
        (["--fusion", "dynamc"], "unknown fusion 'dynamc' (known: dynamic, static)"),
        (["--fusion", "static[dropout=0]"], "unknown setting 'dropout'"),
    ])
    func `what cannot be fused is refused`(more: [String], message: String) async throws {
        let shop = try await shop()
        if more.contains(where: { $0.contains("lora") }) {
            #expect(try await shop.train(output: "members/lora", "--method", "lora").status == 0)
        }
        let outcome = try await GraftCommand.run(
            arguments(shop, output: "fused") + more,
            in: shop.path
        )
        #expect(outcome.status != 0 && outcome.errors.contains(message), "\(outcome.errors)")
        #expect(!shop.holds("fused") && !shop.holds("fused.checkpoint"))
    }
}

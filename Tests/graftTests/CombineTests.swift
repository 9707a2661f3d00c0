import Foundation
import GraftFormats
import GraftTestSupport
import GraftTorch
import Testing

@Suite struct CombineTests {
    /// A workshop with adapters `one` and `two` of a method.
    private func shop(_ method: String = "lora[r=2]") async throws -> Workshop {
        let shop = try Workshop()
        for (name, seed) in [("one", "1"), ("two", "2")] {
            let outcome = try await shop.train(
                output: "runs/" + name,
                "--method",
                method,
                "--seed",
                seed,
                "--learning-rate",
                "0.05"
            )
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        return shop
    }

    @Test func `the combination of two adapters is an adapter as any other`() async throws {
        let shop = try await shop()
        let outcome = try await shop.graft(
            "combine",
            "--operation",
            "linear",
            "--weights",
            "0.7,-0.3",
            "--adapters",
            "a=runs/one,b=runs/two",
            "--head",
            "a",
            "--output",
            "runs/both",
            "--json"
        )
        #expect(outcome.status == 0, "\(outcome.errors)")
        let result = try outcome.json()
        #expect(result["method"] as? String == "linear[weights=[0.7,-0.3]](a,b)")
        #expect(result["kept"] as? Double == 1)
        // Query and value of two layers, of 16 each, in rank 4.
        #expect(result["adapter_parameters"] as? Int == 2 * 2 * 4 * (16 + 16))

        let bundle = try AdapterBundle(path: shop.path + "/runs/both")
        let (one, two) = (
            try AdapterBundle(path: shop.path + "/runs/one"),
            try AdapterBundle(path: shop.path + "/runs/two")
        )
        #expect(bundle.base == one.base && bundle.labels == one.labels)
        for name in bundle.tensors.keys where name.hasPrefix("head.") {
            try expectIdentical(
                #require(bundle.tensors[name]),
                #require(one.tensors[name]),
                name
            )
        }
        func update(_ bundle: AdapterBundle, scale: Double) throws -> Tensor {
            let place = "adapter.encoder.1.value."
            let a = try #require(bundle.tensors[place + "lora_A"])
            return try #require(bundle.tensors[place + "lora_B"]).matmul(a) * scale
        }
        // The scale of a fresh LoRA of rank 2 is 8/2.
        try expectClose(
            update(bundle, scale: 1),
            update(one, scale: 4 * 0.7) - update(two, scale: 4 * 0.3)
        )
        let provenance = try #require(result["provenance"] as? [String: String])
        #expect(provenance["adapter_b"]?.hasPrefix("runs/two, sha256 ") == true)

        let scored = try await shop.eval("runs/both", on: "eval.jsonl", "--json")
        #expect(scored.status == 0, "\(scored.errors)")
        let inspected = try await shop.graft("inspect", "runs/both", "--json")
        #expect(
            try inspected.json()["method"] as? String == "linear[weights=[0.7,-0.3]](a,b)"
        )
    }

    @Test func `one adapter with itself answers as it does alone`() async throws {
        let shop = try await shop()
        let combined = try await shop.graft(
            "combine",
            "--operation",
            "linear",
            "--adapters",
            "a=runs/one,b=runs/one",
            "--output",
            "twice"
        )
        #expect(combined.status == 0, "\(combined.errors)")
        var logits: [[Double]] = []
        for adapter in ["runs/one", "twice"] {
            let answered = try await shop.graft(
                "predict",
                "--model",
                shop.model,
                "--adapter",
                adapter,
                "--text",
                "the film was very awful",
                "--logits"
            )
            #expect(answered.status == 0, "\(answered.errors)")
            logits.append(try #require(answered.rows().first?["logits"] as? [Double]))
        }
        expectClose(logits[1], logits[0])
    }

    @Test func `a small rank says what it keeps`() async throws {
        let shop = try await shop()
        let outcome = try await shop.graft(
            "combine",
            "--operation",
            "ties",
            "--density",
            "0.5",
            "--rank",
            "2",
            "--adapters",
            "runs/one,runs/two",
            "--head",
            "two",
            "--output",
            "merged"
        )
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("of the changes kept"), "\(outcome.output)")
        let bundle = try AdapterBundle(path: shop.path + "/merged")
        let kept = try #require(Double(bundle.provenance["kept"] ?? ""))
        #expect(kept > 0.1 && kept < 1)
    }

    @Test func `adapters of two models of one shape are combined if asked`() async throws {
        let shop = try await shop()
        let other = try Workshop(model: "bert/h16_masked_lm")
        let trained = try await shop.train(
            output: "runs/other",
            "--model",
            other.model,
            "--method",
            "lora[r=2]"
        )
        #expect(trained.status == 0, "\(trained.errors)")
        let combine = [
            "combine", "--operation", "add", "--adapters", "runs/one,runs/other", "--head", "other",
            "--output", "both",
        ]
        let refused = try await GraftCommand.run(combine, in: shop.path)
        #expect(
            refused.errors.contains("other weights of the same shape (hint: --allow-base-mismatch"),
            "\(refused.errors)"
        )
        let done = try await GraftCommand.run(combine + ["--allow-base-mismatch"], in: shop.path)
        #expect(done.status == 0, "\(done.errors)")
        // The result is one of the model whose head it has.
        let bundle = try AdapterBundle(path: shop.path + "/both")
        #expect(try bundle.base == AdapterBundle(path: shop.path + "/runs/other").base)
    }

    @Test(arguments: [
        (["--adapters", "runs/one,runs/none"], "runs/none: no adapter here"),
        (["--adapters", "a=runs/one,a=runs/two"], "two of them are called 'a'"),
        (["--adapters", "runs/one"], "'linear' needs two adapters or more"),
        (["--adapters", "runs/one,runs/bottleneck"], "'bottleneck' is of bottleneck"),
        (["--adapters", "runs/one,runs/wide"], "'wide' has it, 'one' does not"),
        (["--adapters", "runs/one,runs/other"], "'other' does not go with 'one'"),
        (
            ["--adapters", "runs/one,runs/other", "--allow-base-mismatch"],
            "'other' does not go with 'one'"
        ),
        (["--weights", "0.5,x"], "'x' is no number"),
        (["--operation", "ties"], "density: 'ties' needs the share"),
        (["--rank", "5", "--head", "one"], "rank: is 5, and what is combined has at most 4"),
        (["--head", "three"], "'three' is not one of one, two"),
        ([], "(hint: --head one keeps that one's)"),
    ])
    func `what cannot be combined is refused`(more: [String], message: String) async throws {
        let shop = try await shop()
        let arguments = [
            "combine", "--operation", "linear", "--adapters", "runs/one,runs/two", "--output",
            "both",
        ]
        let strangers = ["bottleneck": "seq_bn", "wide": "lora[target_modules=all-linear]"]
        for (name, method) in strangers
        where more.contains(where: { $0.contains(name) }) {
            #expect(try await shop.train(output: "runs/" + name, "--method", method).status == 0)
        }
        if more.contains(where: { $0.contains("other") }) {
            let other = try Workshop(model: "bert/h24")
            #expect(
                try await shop.train(
                    output: "runs/other",
                    "--model",
                    other.model,
                    "--method",
                    "lora[r=2]"
                ).status == 0
            )
        }
        let outcome = try await GraftCommand.run(arguments + more, in: shop.path)
        #expect(outcome.status != 0 && outcome.errors.contains(message), "\(outcome.errors)")
        #expect(!shop.holds("both"))
    }
}

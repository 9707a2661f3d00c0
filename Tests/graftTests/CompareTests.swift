import Foundation
import GraftTestSupport
import Testing

@Suite struct CompareTests {
    private func arguments(_ shop: Workshop, _ methods: String, _ more: String...) -> [String] {
        [
            "compare", "--model", shop.model, "--train", "train.jsonl", "--eval", "eval.jsonl",
            "--epochs", "2", "--batch", "8", "--methods", methods, "--output", "runs",
        ] + more
    }

    @Test func `methods are trained on the same rows and set side by side`() async throws {
        let shop = try Workshop()
        let outcome = try await GraftCommand.run(
            arguments(
                shop,
                "seq_bn[reduction_factor=8],lora[r=2],head,full",
                "--seeds=0,5",
                "--json"
            ),
            in: shop.path
        )
        #expect(outcome.status == 0, "\(outcome.errors)")
        let result = try outcome.json()
        #expect(result["primary_metric"] as? String == "accuracy")
        let methods = try #require(result["methods"] as? [[String: Any]])
        #expect(
            methods.map { $0["method"] as? String }
                == ["seq_bn[reduction_factor=8]", "lora[r=2]", "head", "full"]
        )
        for method in methods {
            let runs = try #require(method["runs"] as? [[String: Any]])
            #expect(runs.map { $0["seed"] as? Int } == [0, 5])
            let scores = runs.compactMap { $0["score"] as? Double }
            let score = try #require(method["score"] as? [String: Any])
            let mean = try #require(score["mean"] as? Double)
            #expect(abs(mean - scores.reduce(0, +) / 2) < 1e-12)
            let deviation = try #require(score["deviation"] as? Double)
            #expect(abs(deviation - abs(scores[0] - scores[1]) / 2.0.squareRoot()) < 1e-12)
            for key in ["peak_rss_bytes", "seconds_per_epoch", "trainable_share"] {
                #expect(try #require(method[key] as? Double) > 0, "\(key)")
            }
        }
        // H = 16 in 2 layers: r 2 on query and value; a head of 16 and 2.
        #expect(methods[1]["adapter_parameters"] as? Int == 2 * 2 * 2 * (16 + 16))
        #expect(methods[1]["head_parameters"] as? Int == 16 * 16 + 16 + 16 * 2 + 2)
        #expect(methods[1]["learning_rate"] as? Double == 5e-4)
        #expect(methods[3]["learning_rate"] as? Double == 5e-5)
        #expect(shop.holds("runs/report.html") && shop.holds("runs/comparison.json"))
        for folder in ["seq_bn-reduction_factor=8/0", "lora-r=2/5", "full/0"] {
            #expect(shop.holds("runs/\(folder)/adapter_config.json"), "\(folder)")
        }
    }

    @Test func `a run of a comparison is the run that train makes`() async throws {
        let shop = try Workshop()
        let compared = try await GraftCommand.run(
            arguments(shop, "full,lora", "--seeds", "3", "--quiet"),
            in: shop.path
        )
        #expect(compared.status == 0, "\(compared.errors)")
        let alone = try await shop.train(
            output: "alone",
            "--eval",
            "eval.jsonl",
            "--method",
            "lora",
            "--seed",
            "3"
        )
        #expect(alone.status == 0, "\(alone.errors)")
        #expect(
            try shop.bytes("runs/lora/3/adapter.safetensors")
                == shop.bytes("alone/adapter.safetensors")
        )
    }

    @Test func `a stopped comparison goes on, and what ended is not repeated`() async throws {
        let shop = try Workshop()
        let long = ["--epochs", "60", "--batch", "4", "--checkpoint-every", "20", "--seeds", "0"]
        let running = try GraftCommand.start(
            arguments(shop, "head,seq_bn") + long,
            in: shop.path
        )
        let wasUnderWay = await running.send(SIGTERM) {
            running.errors.contains("seq_bn seed 0: epoch 2/60")
        }
        #expect(wasUnderWay)
        let cut = try await running.finished()
        #expect(cut.status == 130 && cut.errors.contains("the same command"), "\(cut.errors)")
        let kept = try shop.bytes("runs/head/0/run.json")

        let changed = try await GraftCommand.run(
            arguments(shop, "lora,seq_bn") + long + ["--warmup", "0.5"],
            in: shop.path
        )
        #expect(
            changed.status == 1 && changed.errors.contains("the interrupted run has --warmup"),
            "\(changed.errors)"
        )
        #expect(!shop.holds("runs/lora"))

        let resumed = try await GraftCommand.run(
            arguments(shop, "head,seq_bn") + long,
            in: shop.path
        )
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(resumed.errors.contains("head seed 0: kept"))
        #expect(resumed.errors.contains("seq_bn seed 0: going on after step"))
        #expect(try shop.bytes("runs/head/0/run.json") == kept)
        #expect(!shop.holds("runs/seq_bn/0.checkpoint"))

        let other = try await GraftCommand.run(
            arguments(shop, "head,seq_bn") + long + ["--warmup", "0.5"],
            in: shop.path
        )
        #expect(
            other.status == 1 && other.errors.contains("holds a run with --"),
            "\(other.errors)"
        )
    }

    @Test func `a method that fails is told in its row and the others go on`() async throws {
        let shop = try Workshop()
        let outcome = try await GraftCommand.run(
            arguments(shop, "lora[loraplus_lr_ratio=1e38],head", "--seeds=1", "--json"),
            in: shop.path
        )
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("1 of 2 runs failed: lora"), "\(outcome.errors)")
        let methods = try #require(try outcome.json()["methods"] as? [[String: Any]])
        #expect(methods.count == 2)
        let failures = try #require(methods[0]["failures"] as? [[String: Any]])
        #expect(failures.first?["seed"] as? Int == 1)
        #expect((failures.first?["error"] as? String)?.contains("not finite") == true)
        #expect(methods[0]["score"] is NSNull)
        #expect((methods[1]["score"] as? [String: Any])?["mean"] is Double)
        #expect(!shop.holds("runs/lora-loraplus_lr_ratio=1e38/1"))
    }

    @Test(arguments: [
        ("lora,seq_bm", [], "did you mean 'seq_bn'?"),
        ("lora,lora", [], "would share the folder 'lora'"),
        ("seq_bn[leave_out=[7]]", [], "there is no layer 7"),
        ("lora,", [], "unknown method ''"),
        ("lora", ["--augment", "flip"], "--augment: is of pictures"),
    ])
    func `what cannot be trained is refused before anything is`(
        methods: String,
        more: [String],
        message: String
    ) async throws {
        let shop = try Workshop()
        let outcome = try await GraftCommand.run(arguments(shop, methods) + more, in: shop.path)
        #expect(outcome.status != 0 && outcome.errors.contains(message), "\(outcome.errors)")
        #expect(!shop.holds("runs"))
    }

    @Test func `a folder with other things is left alone, and scores need rows`() async throws {
        let shop = try Workshop()
        try FileManager.default.createDirectory(
            atPath: shop.path + "/runs",
            withIntermediateDirectories: true
        )
        try shop.write("mine", to: "runs/notes.txt")
        let refused = try await GraftCommand.run(arguments(shop, "head"), in: shop.path)
        #expect(refused.status == 1 && refused.errors.contains("no comparison"))
        let blind = try await shop.graft(
            "compare",
            "--model",
            shop.model,
            "--train",
            "train.jsonl",
            "--methods",
            "head",
            "--output",
            "other"
        )
        #expect(blind.status == 64 && blind.errors.contains("give --eval"), "\(blind.errors)")
    }
}

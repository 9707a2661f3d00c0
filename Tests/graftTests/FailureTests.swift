import Foundation
import GraftTestSupport
import Testing

/// Whatever is wrong is said in one line that names the file, field or line, with an exit status other than 0, and
/// nothing is left where the output should be.
@Suite struct FailureTests {
    /// Expects a failure that is told as it should be.
    private func expectFailure(
        _ outcome: GraftCommand.Outcome,
        status: Int32 = 1,
        naming parts: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: sourceLocation)
        #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
        let lines = outcome.errors.split(separator: "\n").filter { !$0.contains("warning:") }
        #expect(lines.count == 1, "\(outcome.errors)", sourceLocation: sourceLocation)
        #expect(lines.first?.hasPrefix("graft: ") == true, sourceLocation: sourceLocation)
        for part in parts {
            #expect(outcome.errors.contains(part), "\(part)", sourceLocation: sourceLocation)
        }
    }

    @Test(
        arguments: [
            ("missing.jsonl", nil, ["missing.jsonl: ", "no such file"]),
            ("empty.jsonl", "", ["empty.jsonl: ", "no rows"]),
            ("cut.jsonl", #"{"text": "good", "lab"#, ["cut.jsonl:1: ", "invalid JSON", "column"]),
            ("second.jsonl", "{\"text\": \"a\", \"label\": \"b\"}\n[]", ["second.jsonl:2: "]),
            (
                "column.jsonl", #"{"text": "a", "urgency": "b"}"#,
                ["column.jsonl:1: ", "'label'", "'urgency'", "--label-column"]
            ),
            ("rows.txt", "a\tb", ["rows.txt: ", "hint:"]),
        ] as [(String, String?, [String])]
    )
    func `bad training files`(name: String, contents: String?, parts: [String]) async throws {
        let shop = try Workshop()
        if let contents { try shop.write(contents, to: name) }
        let outcome = try await shop.graft(
            "train",
            "--model",
            shop.model,
            "--train",
            name,
            "--output",
            "a",
            "--json",
            "--quiet"
        )
        expectFailure(outcome, naming: parts)
        #expect(!shop.holds("a") && !shop.holds("a.checkpoint"))
    }

    @Test(
        arguments: [
            (
                ["--method", "dubble_seq_bn"], 1,
                ["method", "'dubble_seq_bn'", "did you mean 'double_seq_bn'"]
            ),
            (
                ["--method", "seq_bn[reduction_facto=2]"], 1,
                ["'reduction_facto'", "did you mean 'reduction_factor'"]
            ),
            (["--method", "seq_bn[leave_out=[7]]"], 1, ["leave_out", "7", "0 ... 1"]),
            (["--epochs", "0"], 1, ["--epochs", "at least 1"]),
            (["--epochs", "many"], 64, ["--epochs", "'many'"]),
            (["--epohcs", "1"], 64, ["--epohcs", "--epochs"]),
            (["--task", "tagginng"], 64, ["--task", "tagging"]),
            (["--max-length", "41"], 64, ["--max-length", "40"]),
            (["--max-length", "2"], 64, ["--max-length 2", "no room for text", "2 tokens"]),
            (
                ["--class-weights", "1,2,3"], 64,
                ["--class-weights", "2 numbers", "negative, positive"]
            ),
            (["--device", "cuda:7"], 1, ["cuda:7", "--device cpu"]),
            (["--head-pooling", "median"], 64, ["--head-pooling", "mean"]),
        ] as [([String], Int32, [String])]
    )
    func `bad settings`(arguments: [String], status: Int32, parts: [String]) async throws {
        let shop = try Workshop()
        let outcome = try await GraftCommand.run(
            shop.training(output: "a") + arguments,
            in: shop.path
        )
        expectFailure(outcome, status: status, naming: parts)
        #expect(!shop.holds("a"))
    }

    @Test func `many bad rows are listed, a line each`() async throws {
        let shop = try Workshop()
        let outcome = try await GraftCommand.run(
            shop.training(output: "a") + ["--labels", "positive"],
            in: shop.path
        )
        #expect(outcome.status == 1 && outcome.output.isEmpty)
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines[0].hasPrefix("graft: ") && lines[0].hasSuffix("rows have problems"))
        #expect(lines.count == 12 && lines[11].contains("more"))
        #expect(lines[1].contains("train.jsonl:1: ") && lines[1].contains("'negative'"))
        #expect(!shop.holds("a"))
    }

    @Test(arguments: [
        ("epochs: 1\nepohcs: 2", ["run.yaml:2: ", "'epohcs'", "did you mean 'epochs'"]),
        ("epochs: [1", ["run.yaml:", "not YAML"]),
        ("quiet: maybe", ["run.yaml:1: ", "quiet", "true or false"]),
        ("- epochs", ["run.yaml: ", "name: value"]),
        ("method: {seq_bn: 1}", ["run.yaml:1: ", "method"]),
    ])
    func `bad run files`(yaml: String, parts: [String]) async throws {
        let shop = try Workshop()
        try shop.write(yaml, to: "run.yaml")
        expectFailure(try await shop.train(output: "a", "--config", "run.yaml"), naming: parts)
    }

    @Test func `commands that are none`() async throws {
        let shop = try Workshop()
        expectFailure(try await shop.graft("trian"), naming: ["'trian'", "did you mean 'train'"])
        expectFailure(
            try await shop.graft("predict", "--model", shop.model, "--adapter", "a"),
            status: 64,
            naming: ["--data", "--text", "graft predict --help"]
        )
    }

    @Test func `a label that training never saw`() async throws {
        let shop = try Workshop()
        try shop.write(
            "{\"text\": \"good\", \"label\": \"positive\"}\n{\"text\": \"bad\", \"label\": \"awful\"}",
            to: "other.jsonl"
        )
        expectFailure(
            try await shop.train(output: "a", "--eval", "other.jsonl"),
            naming: ["other.jsonl:2: ", "'awful'", "'negative', 'positive'"]
        )
        #expect(try await shop.train(output: "a").status == 0)
        expectFailure(
            try await shop.eval("a", on: "other.jsonl"),
            naming: ["other.jsonl:2: ", "'awful'"]
        )
    }

    @Test func `models that are none`() async throws {
        let shop = try Workshop()
        let train = ["train", "--train", "train.jsonl", "--output", "a", "--quiet", "--model"]
        func outcome(_ model: String) async throws -> GraftCommand.Outcome {
            try await GraftCommand.run(train + [model], in: shop.path)
        }
        expectFailure(
            try await outcome("org/name"),
            naming: ["org/name: ", shop.path + "/hf/hub", "HF_HOME"]
        )
        let weights = try shop.copyModel(to: "bare")
        try FileManager.default.removeItem(at: weights)
        expectFailure(try await outcome("bare"), naming: ["bare: ", "model.safetensors"])

        let cut = try shop.copyModel(to: "cut")
        let bytes = try Data(contentsOf: cut)
        try bytes.prefix(bytes.count / 2).write(to: cut)
        expectFailure(try await outcome("cut"), naming: ["cut/model.safetensors", "cut short"])

        var header = bytes
        header[9] = 0xff
        try header.write(to: shop.copyModel(to: "corrupt"))
        expectFailure(try await outcome("corrupt"), naming: ["corrupt/model.safetensors"])

        try shop.write("{\"model_type\": \"bertt\"}", to: "corrupt/config.json")
        expectFailure(
            try await outcome("corrupt"),
            naming: ["corrupt/config.json: ", "model_type", "'bertt'"]
        )
    }

    @Test func `an adapter of another model runs only if asked`() async throws {
        let shop = try Workshop()
        #expect(try await shop.train(output: "a").status == 0)
        let weights = try shop.copyModel(to: "other")
        var bytes = try Data(contentsOf: weights)
        bytes[bytes.count - 2] ^= 1
        try bytes.write(to: weights)
        let predict = ["predict", "--model", "other", "--adapter", "a", "--text", "good"]
        expectFailure(
            try await GraftCommand.run(predict, in: shop.path),
            naming: ["a: ", "another model", "--allow-base-mismatch"]
        )
        let allowed = try await GraftCommand.run(
            predict + ["--allow-base-mismatch"],
            in: shop.path
        )
        #expect(allowed.status == 0, "\(allowed.errors)")

        let larger = try Workshop(model: "bert/h24")
        let refused = try await shop.predict("good", adapter: "a", model: larger.model)
        expectFailure(refused, naming: ["a: ", "this model has 3 of 24"])
        #expect(!refused.errors.contains("--allow-base-mismatch"))
    }

    @Test func `an option that takes one value is not given twice`() async throws {
        let shop = try Workshop()
        #expect(try await shop.train(output: "a").status == 0)
        let twice = try await shop.graft(
            "eval",
            "--model",
            shop.model,
            "--adapter",
            "a",
            "--adapter=b",
            "--data",
            "eval.jsonl"
        )
        expectFailure(twice, naming: ["--adapter: is given twice"])
        let files = try await shop.graft("eval", "--config", "a.yaml", "--config", "b.yaml")
        expectFailure(files, naming: ["--config: is given twice"])
        let none = try await shop.eval("a", on: "eval.jsonl", "--limit", "-1")
        #expect(none.errors.contains("--limit must be at least 1, found -1"), "\(none.errors)")
        for (value, problem) in [
            ("--learning-rate", "--learning-rate must be positive, found -1.0"),
            ("--limit", "--limit must be at least 1, found -1"),
        ] {
            let outcome = try await shop.train(output: "b", value, "-1")
            #expect(outcome.errors.contains(problem), "\(outcome.errors)")
        }
        let texts = try await shop.graft(
            "predict",
            "--model",
            shop.model,
            "--adapter",
            "a",
            "--text",
            "good",
            "--text",
            "awful"
        )
        #expect(try texts.rows().count == 2, "\(texts.errors)")
    }

    @Test func `adapters that are damaged`() async throws {
        let shop = try Workshop()
        #expect(try await shop.train(output: "a").status == 0)
        let predict = ["predict", "--model", shop.model, "--text", "good", "--adapter"]
        expectFailure(
            try await GraftCommand.run(predict + ["b"], in: shop.path),
            naming: ["b: ", "no adapter"]
        )
        let tensors = try shop.bytes("a/adapter.safetensors")
        try tensors.dropLast(3).write(to: URL(filePath: shop.path + "/a/adapter.safetensors"))
        expectFailure(
            try await GraftCommand.run(predict + ["a"], in: shop.path),
            naming: ["a/adapter.safetensors"]
        )
        try shop.write("{\"format\": ", to: "a/adapter_config.json")
        expectFailure(
            try await GraftCommand.run(predict + ["a"], in: shop.path),
            naming: ["a/adapter_config.json", "JSON"]
        )
    }

    @Test func `an output that must not be replaced or cannot be written`() async throws {
        let shop = try Workshop()
        let kept = try shop.copyModel(to: "model")
        expectFailure(
            try await shop.train(output: "model", "--overwrite"),
            naming: ["model: ", "--output"]
        )
        #expect(FileManager.default.fileExists(atPath: kept.path))
        // A file where a folder should be stops root too.
        expectFailure(try await shop.train(output: "train.jsonl/a"), naming: ["train.jsonl"])
        expectFailure(try await shop.train(output: "train.jsonl"), naming: ["train.jsonl"])
        // An unset variable must not cost the folder that the command runs in.
        expectFailure(
            try await shop.train(output: "", "--overwrite"),
            naming: ["''", "empty path"]
        )
        expectFailure(try await shop.train(output: ".", "--overwrite"), naming: [".: ", "runs in"])
        let answers = try await GraftCommand.run(
            ["encode", "--model", shop.model, "--data", "eval.jsonl", "--output", ""],
            in: shop.path
        )
        expectFailure(answers, naming: ["--output", "empty path"])
        #expect(shop.holds("train.jsonl") && !shop.holds("..checkpoint"))
    }

    @Test func `a model with layers that its configuration does not have`() async throws {
        let shop = try Workshop(model: "llama/gqa")
        _ = try shop.copyModel(to: "cut")
        let path = shop.path + "/cut/config.json"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let count = try #require(text.firstMatch(of: /"num_hidden_layers": ?\d+/))
        let fewer = text.replacing(count.output, with: "\"num_hidden_layers\": 1")
        try fewer.write(toFile: path, atomically: true, encoding: .utf8)
        let outcome = try await GraftCommand.run(
            ["generate", "--model", "cut", "--text", "the"],
            in: shop.path
        )
        expectFailure(outcome, naming: ["layers.1.", "fewer layers", "hint"])
    }

    @Test func `adapters of other libraries are called so`() async throws {
        let shop = try Workshop()
        for (json, library) in [
            (#"{"peft_type": "LORA", "r": 8}"#, "PEFT"),
            (#"{"model_class": "BertAdapterModel", "hidden_size": 16}"#, "AdapterHub"),
        ] {
            try FileManager.default.createDirectory(
                atPath: shop.path + "/" + library,
                withIntermediateDirectories: true
            )
            try shop.write(json, to: library + "/adapter_config.json")
            let outcome = try await GraftCommand.run(["inspect", library], in: shop.path)
            expectFailure(outcome, naming: ["an adapter of \(library)", "hint"])
        }
    }

    @Test func `weights that the last step made infinite are not kept`() async throws {
        let shop = try Workshop()
        let outcome = try await shop.train(
            output: "a",
            "--epochs",
            "1",
            "--batch",
            "64",
            "--learning-rate",
            "1e39"
        )
        expectFailure(outcome, naming: ["not finite at step 1", "--learning-rate"])
        #expect(!shop.holds("a"))
    }

    @Test func `a loss that is no number stops the run and keeps the last checkpoint`()
        async throws
    {
        let shop = try Workshop()
        let outcome = try await shop.train(
            output: "a",
            "--learning-rate",
            "1e30",
            "--checkpoint-every",
            "1"
        )
        expectFailure(outcome, naming: ["step", "a.checkpoint", "--learning-rate"])
        #expect(!shop.holds("a") && shop.holds("a.checkpoint"))
    }

    @Test(.enabled("mounting a small disk needs root") { SmallDisk.isAvailable })
    func `a full disk leaves nothing half-written`() async throws {
        let shop = try Workshop()
        let disk = try SmallDisk(kibibytes: 16)
        let outcome = try await shop.train(output: disk.path + "/a", "--checkpoint-every", "0")
        expectFailure(outcome, naming: [disk.path, "No space left"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path).isEmpty)
    }
}

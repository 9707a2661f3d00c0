import Foundation
import GraftFormats
import GraftTestSupport
import GraftTorch
import Testing

/// The commands on pictures; those that a text model would do otherwise are in the other suites.
@Suite struct PictureTests {
    /// A folder with a tiny ViT and pictures of two classes, in folders and in rows.
    private static func shop() throws -> Workshop {
        let shop = try Workshop(model: "vit/h16")
        for split in ["train", "eval"] {
            try shop.copyPicture(
                "rgb.png",
                to: "\(split)/drawn/1.png",
                "\(split)/drawn/2.png",
                "\(split)/drawn/3.png"
            )
            try shop.copyPicture(
                "baseline.jpg",
                to: "\(split)/photo/1.jpg",
                "\(split)/photo/2.jpg",
                "\(split)/photo/3.jpg"
            )
        }
        let rows = (1...3).flatMap { number in
            [
                #"{"id": \#(number), "image": "train/drawn/\#(number).png", "label": 0.5, "labels": ["x", "y"]}"#,
                #"{"id": -\#(number), "image": "train/photo/\#(number).jpg", "label": 2, "labels": ["y"]}"#,
            ]
        }
        try shop.write(rows.joined(separator: "\n"), to: "pictures.jsonl")
        return shop
    }

    /// The arguments of a short run that learns two pictures by heart.
    private static func training(_ shop: Workshop, _ more: String...) -> [String] {
        [
            "train", "--model", shop.model, "--output", "a", "--epochs", "30", "--batch", "3",
            "--learning-rate", "1e-2", "--quiet",
        ] + more
    }

    @Test func `views are drawn anew in every step, and equally in equal runs`() async throws {
        let shop = try PictureTests.shop()
        func train(_ output: String, _ more: String...) async throws -> Data {
            let trained = try await GraftCommand.run(
                PictureTests.training(shop, "--task", "image-classification", "--train", "train")
                    + ["--method", "head", "--output", output] + more,
                in: shop.path
            )
            #expect(trained.status == 0, "\(trained.errors)")
            return try shop.bytes(output + "/adapter.safetensors")
        }
        let views = try await train("views", "--augment", "flip,crop=0.3")
        #expect(try await train("again", "--augment", "flip,crop=0.3") == views)
        // States below the head are those of a view: none must be kept for the next epoch.
        let anew = try await train("anew", "--augment", "crop=0.3,flip", "--trunk-memory", "0")
        #expect(anew == views)
        #expect(try await train("whole") != views)
        for wrong in ["flop", "flip,flip", "crop=1", "crop=2", "crop=", ""] {
            let refused = try await GraftCommand.run(
                PictureTests.training(shop, "--train", "train", "--augment", wrong),
                in: shop.path
            )
            #expect(refused.status == 64 && refused.errors.contains("--augment"))
        }
        let texts = try Workshop()
        let refused = try await texts.train(output: "b", "--augment", "flip")
        #expect(refused.status == 1 && refused.errors.contains("these rows are texts"))
        #expect(!texts.holds("b"))
    }

    @Test func `pictures of folders train, score, predict and encode`() async throws {
        let shop = try PictureTests.shop()
        let trained = try await GraftCommand.run(
            PictureTests.training(
                shop,
                "--task",
                "image-classification",
                "--train",
                "train",
                "--eval",
                "eval",
                "--method",
                "seq_bn[reduction_factor=2]",
                "--json"
            ),
            in: shop.path
        )
        #expect(trained.status == 0, "\(trained.errors)")
        let result = try trained.json()
        #expect(result["labels"] as? [String] == ["drawn", "photo"])
        #expect(result["score"] as? Double == 1)
        #expect(result["warnings"] as? [String] == [])
        #expect(shop.holds("a/report.html"))

        let use = ["--model", shop.model, "--adapter", "a"]
        let scored = try await GraftCommand.run(
            ["eval", "--data", "eval", "--json"] + use,
            in: shop.path
        )
        #expect(scored.status == 0, "\(scored.errors)")
        #expect((try scored.json()["metrics"] as? [String: Any])?["accuracy"] as? Double == 1)

        let predicted = try await GraftCommand.run(
            ["predict", "--data", "eval", "--logits"] + use,
            in: shop.path
        )
        #expect(predicted.status == 0, "\(predicted.errors)")
        let rows = try predicted.rows()
        #expect(rows.first?["id"] as? String == "drawn/1.png")
        let labels = rows.compactMap { $0["label"] as? String }
        #expect(labels == ["drawn", "drawn", "drawn", "photo", "photo", "photo"])
        #expect((rows.first?["logits"] as? [Double])?.count == 2)

        let named = try await GraftCommand.run(
            [
                "predict", "--image", "eval/photo/1.jpg", "--image", "eval/drawn/1.png", "--table",
            ] + use,
            in: shop.path
        )
        #expect(named.status == 0, "\(named.errors)")
        let lines = named.output.split(separator: "\n")
        #expect(lines.first?.split(separator: " ") == ["a", "image"])
        #expect(lines[1].hasPrefix("photo") && lines[1].hasSuffix("eval/photo/1.jpg"))
        #expect(lines[2].hasPrefix("drawn") && lines[2].hasSuffix("eval/drawn/1.png"))

        let encoded = try await GraftCommand.run(
            ["encode", "--data", "eval", "--pool", "cls", "--output", "e.safetensors"] + use,
            in: shop.path
        )
        #expect(encoded.status == 0, "\(encoded.errors)")
        let vectors = try TensorFile(path: shop.path + "/e.safetensors").tensors
        #expect(vectors["embeddings"]?.shape == [6, 16])
    }

    @Test(arguments: [
        ("images/ustar.tar.gz", "classification", ["blue", "green", "red"], 5),
        ("images/digits-images-idx3-ubyte.gz", "classification", ["0", "7"], 3),
        ("pictures.jsonl", "multilabel", ["x", "y"], 6), ("pictures.jsonl", "regression", [], 6),
    ])
    func `archives, IDX files and rows train`(
        file: String,
        task: String,
        labels: [String],
        count: Int
    ) async throws {
        let shop = try PictureTests.shop()
        for name in ["ustar.tar.gz", "digits-images-idx3-ubyte.gz", "digits-labels-idx1-ubyte.gz"] {
            try shop.copyPicture(name, to: "images/" + name)
        }
        let outcome = try await GraftCommand.run(
            PictureTests.training(
                shop,
                "--train",
                file,
                "--task",
                task,
                "--epochs",
                "1",
                "--json"
            ),
            in: shop.path
        )
        #expect(outcome.status == 0, "\(outcome.errors)")
        let result = try outcome.json()
        #expect(result["labels"] as? [String] == labels)
        let rows = try await shop.graft(
            "predict",
            "--model",
            shop.model,
            "--adapter",
            "a",
            "--data",
            file
        )
        #expect(rows.status == 0, "\(rows.errors)")
        #expect(try rows.rows().count == count)
    }

    @Test func `broken pictures are refused by name, or left out`() async throws {
        let shop = try PictureTests.shop()
        try shop.write("no picture", to: "train/drawn/0.png")
        let cut = try shop.bytes("train/photo/1.jpg").prefix(300)
        try cut.write(to: URL(filePath: shop.path + "/train/photo/4.jpg"))
        // Passed over without a word, it would be missed by nobody.
        try shop.write("GIF89a", to: "train/photo/5.gif")
        let train = PictureTests.training(shop, "--train", "train", "--epochs", "1")
        let refused = try await GraftCommand.run(train, in: shop.path)
        #expect(refused.status == 1 && !shop.holds("a"))
        let lines = refused.errors.split(separator: "\n")
        #expect(lines.count == 4, "\(refused.errors)")
        #expect(lines[0].hasPrefix("graft: train: 3 pictures cannot be read (hint: --skip-broken"))
        #expect(lines[1].contains("drawn/0.png: not an image of a known format"))
        #expect(lines[2].contains("photo/4.jpg: damaged JPEG file"))
        #expect(lines[3].contains("photo/5.gif: not an image of a known format"))

        let skipped = try await GraftCommand.run(
            train + ["--skip-broken", "--json"],
            in: shop.path
        )
        #expect(skipped.status == 0, "\(skipped.errors)")
        #expect(skipped.errors.contains("warning: train: left out drawn/0.png"))
        let warnings = try #require(try skipped.json()["warnings"] as? [String])
        #expect(
            warnings.contains { $0.hasSuffix("known: JPEG, PNG, WebP) and 2 more") },
            "\(warnings)"
        )

        let predicted = try await shop.graft(
            "predict",
            "--model",
            shop.model,
            "--adapter",
            "a",
            "--data",
            "train",
            "--skip-broken"
        )
        #expect(try predicted.rows().count == 6)
        #expect(predicted.errors.contains("left out drawn/0.png"))
        let one = try await shop.graft(
            "predict",
            "--model",
            shop.model,
            "--adapter",
            "a",
            "--image",
            "train/drawn/0.png"
        )
        #expect(one.status == 1 && one.errors.split(separator: "\n").count == 1)
        #expect(one.errors.contains("train/drawn/0.png: not an image"))
    }

    @Test(
        arguments: [
            (["--train", "train.jsonl"], 1, ["train.jsonl:1: ", "'image'", "--image-column"]),
            (["--train", "train/drawn"], 1, ["train/drawn", "<class>/<picture>"]),
            (["--train", "train", "--task", "tagging"], 1, ["tagging", "vit", "pictures"]),
            (["--train", "train", "--max-length", "8"], 64, ["--max-length", "pictures"]),
            (["--train", "pictures.csv"], 1, ["pictures.csv", "no such file"]),
            (["--train", "train", "--eval", "other"], 1, ["other", "'strange'"]),
        ] as [([String], Int32, [String])]
    )
    func `what a model of pictures cannot read`(
        arguments: [String],
        status: Int32,
        parts: [String]
    ) async throws {
        let shop = try PictureTests.shop()
        try shop.copyPicture("rgb.png", to: "other/strange/1.png")
        let outcome = try await GraftCommand.run(
            PictureTests.training(shop) + arguments,
            in: shop.path
        )
        #expect(outcome.status == status && !shop.holds("a"), "\(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        for part in parts { #expect(outcome.errors.contains(part), "\(outcome.errors)") }
    }

    @Test func `pictures for a model of texts, and texts for one of pictures`() async throws {
        let (texts, pictures) = (try Workshop(), try PictureTests.shop())
        try texts.copyPicture("rgb.png", to: "train/a/1.png")
        func expect(_ outcome: GraftCommand.Outcome, _ parts: String...) {
            #expect(outcome.status == 1 && outcome.errors.split(separator: "\n").count == 1)
            for part in parts { #expect(outcome.errors.contains(part), "\(outcome.errors)") }
        }
        expect(
            try await texts.train(output: "a", "--train", "train"),
            "train: pictures",
            "a bert model reads texts"
        )
        expect(
            try await texts.train(output: "a", "--task", "image-classification"),
            "--task image-classification",
            "--task classification"
        )
        #expect(try await texts.train(output: "t").status == 0)
        expect(
            try await texts.graft(
                "predict",
                "--model",
                texts.model,
                "--adapter",
                "t",
                "--image",
                "train/a/1.png"
            ),
            "--image",
            "--text"
        )
        let trained = try await GraftCommand.run(
            PictureTests.training(pictures, "--train", "train", "--epochs", "1"),
            in: pictures.path
        )
        #expect(trained.status == 0, "\(trained.errors)")
        expect(
            try await pictures.predict("the film", adapter: "a"),
            "--text",
            "--image"
        )
    }

    @Test func `inspect shows pictures' sizes, and both towers of CLIP`() async throws {
        let shop = try PictureTests.shop()
        let facts = try await shop.graft("inspect", shop.model, "--json").json()
        #expect(facts["image_size"] as? Int == 12 && facts["tokens_per_image"] as? Int == 10)
        let tried = ["inspect", "--model", shop.model, "--method", "seq_bn", "--task"]
        let pictures = try await GraftCommand.run(tried + ["image-classification"], in: shop.path)
        #expect(pictures.status == 0, "\(pictures.errors)")
        let tagged = try await GraftCommand.run(tried + ["tagging"], in: shop.path)
        #expect(tagged.status == 1 && tagged.errors.contains("words are tagged"))
        let clip = try Workshop(model: "clip/h16")
        let shown = try await clip.graft("inspect", clip.model, "--json").json()
        let sites = try #require(shown["sites"] as? [[String: Any]])
        let towers = sites.compactMap { ($0["site"] as? String)?.split(separator: ".").first }
        #expect(Set(towers) == ["text", "vision"])
    }

    @Test func `full fine-tuning becomes a model that answers as the adapter did`() async throws {
        let shop = try PictureTests.shop()
        let trained = try await GraftCommand.run(
            PictureTests.training(shop, "--train", "train", "--method", "full", "--epochs", "2"),
            in: shop.path
        )
        #expect(trained.status == 0, "\(trained.errors)")
        let merge = ["merge", "--model", shop.model, "--adapter", "a", "--output", "merged"]
        let refused = try await GraftCommand.run(merge, in: shop.path)
        #expect(refused.status == 1 && refused.errors.contains("--data"), "\(refused.errors)")
        let merged = try await GraftCommand.run(merge + ["--data", "eval"], in: shop.path)
        #expect(merged.status == 0, "\(merged.errors)")
        #expect(shop.holds("merged/preprocessor_config.json"))
    }
}

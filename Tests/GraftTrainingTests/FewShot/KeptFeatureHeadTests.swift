import Foundation
import GraftFormats
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

/// Feature classifiers as adapters on disk, which the commands read like any other.
@Suite("Kept feature classifiers")
struct KeptFeatureHeadTests {
    private let base: BaseModel
    private let rows: EncodedRows
    private let features: Tensor
    private let classes: NamedClasses
    private let labels = ["film", "book", "song", "play"]

    init() throws {
        let fixture = try Fixture("clip_use/zero_shot")
        base = try TinyModel("clip/h12").base
        rows = try fixture.greyPictures(on: base)
        let classifier = try ZeroShotClassifier(ImageTextEncoder(base), classes: labels)
        features = try classifier.encoder.images(rows)
        classes = try NamedClasses(classifier)
    }

    private func modules() throws -> [any FeatureClassifier] {
        let eight = (0..<8).map { $0 / 2 }
        return [
            ZeroShot(),
            try TipAdapter(
                features: features.narrowed(0..<8),
                labels: eight,
                classCount: 4,
                alpha: 2,
                beta: 3
            ),
            try ClipAdapter(width: features.size(1), reduction: 2, ratio: 0.7, seed: 5),
        ]
    }

    private func bundle(_ module: any FeatureClassifier) throws -> AdapterBundle {
        try base.bundle(module, named: "kept", classes: classes, labels: labels)
    }

    @Test func `answer from the disk as they do in memory`() throws {
        let folder = try TemporaryFolder()
        for (number, module) in try modules().enumerated() {
            let path = "\(folder.path)/\(number)"
            try bundle(module).write(to: path)
            let predictor = try Predictor(base, adapter: AdapterBundle(path: path))
            #expect(predictor.bundle.head.features == module.kind)
            let answers = try predictor.answers(rows)
            let logits = answers.flatMap { $0.logits[0].map(Double.init) }
            expectClose(
                logits,
                try module.logits(features, classes: classes).values(),
                "\(module.kind)"
            )
            #expect(answers.allSatisfy { labels.contains($0.labels[0]) })
        }
    }

    @Test func `answer side by side as they do alone`() throws {
        let predictors = try modules().map { try Predictor(base, adapter: bundle($0)) }
        #expect(Predictor.groups(predictors) == [[0, 1, 2]])
        let together = try Predictor.answers(of: predictors, rows)
        for (predictor, answers) in zip(predictors, together) {
            for (one, other) in zip(answers, try predictor.answers(rows)) {
                expectClose(
                    one.logits[0].map(Double.init),
                    other.logits[0].map(Double.init),
                    "logits"
                )
            }
        }
    }

    @Test func `tensors and settings that do not fit are refused`() throws {
        let tip = try bundle(modules()[1])
        var short = tip
        short.tensors["head.values"] = nil
        #expect(throws: TrainingError.self) { try Predictor(base, adapter: short) }
        let folder = try TemporaryFolder()
        try tip.write(to: folder.path + "/tip")
        let path = folder.path + "/tip/adapter_config.json"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for (old, new, field) in [
            ("\"beta\" : 3", "\"beta\" : -3", "beta"),
            ("\"kind\" : \"tip_adapter\"", "\"kind\" : \"tap_adapter\"", "head.features.kind"),
            ("\"beta\" : 3", "\"beta\" : 3, \"ratio\" : 1", "head.features.ratio"),
            ("\"pooling\" : \"pooler\"", "\"pooling\" : \"last\"", "head.pooling"),
            ("\"layers\" : 0", "\"layers\" : 1", "head.layers"),
            ("\"kind\" : \"classification\"", "\"kind\" : \"multilabel\"", "head.features"),
        ] {
            #expect(text.contains(old), "\(text)")
            try Data(text.replacing(old, with: new).utf8).write(to: URL(filePath: path))
            let error = #expect(throws: (any Error).self) {
                try AdapterBundle(path: folder.path + "/tip")
            }
            #expect("\(error as Any)".contains(field))
        }
        let vit = try TinyModel("vit/h16").base
        #expect(throws: (any Error).self) {
            try Predictor(vit, adapter: tip, allowsBaseMismatch: true)
        }
    }
}

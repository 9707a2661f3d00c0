import GraftData
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

/// Against the computation of openai/CLIP's notebooks over `transformers` 4.57.6; the fixture is made by
/// `Tools/reference/clip_use.py`.
@Suite("Zero-shot classification")
struct ZeroShotTests {
    private let fixture: Fixture
    private let base: BaseModel
    private let classes: [String]
    private let templates: [String]

    init() throws {
        fixture = try Fixture("clip_use/zero_shot")
        base = try TinyModel("clip/h12").base
        classes = try fixture.json("classes")
        templates = try fixture.json("templates")
    }

    @Test func `an ensemble's classes, images and logits equal the reference`() throws {
        let encoder = try ImageTextEncoder(base)
        let classifier = try ZeroShotClassifier(
            encoder,
            classes: classes,
            templates: PromptTemplates(templates)
        )
        try expectClose(classifier.weights, fixture["weights"], "weights")
        let rows = try fixture.greyPictures(on: base)
        try expectClose(encoder.images(rows), fixture["features"], "features")
        try expectClose(classifier.logits(rows), fixture["logits"], "logits")
        let answers = try classifier.answers(rows)
        let logits: [Float] = try fixture["logits"].values()
        for (row, answer) in answers.enumerated() {
            let own = logits[4 * row..<4 * row + 4]
            let best = try #require(own.firstIndex(of: own.max() ?? 0))
            #expect(answer.labels == [classes[best - own.startIndex]])
            #expect(abs(answer.scores.reduce(0) { $0 + $1.score } - 1) < 1e-9)
        }
    }

    @Test func `one template's classes equal the reference`() throws {
        let classifier = try ZeroShotClassifier(
            ImageTextEncoder(base),
            classes: classes,
            templates: PromptTemplates(Array(templates.prefix(1)))
        )
        try expectClose(classifier.weights, fixture["weights_one"], "weights")
    }

    @Test func `templates without a gap, classes named twice and other models are refused`() throws
    {
        #expect(throws: TrainingError.self) { try PromptTemplates(["a photo"]) }
        #expect(throws: TrainingError.self) { try PromptTemplates([]) }
        #expect(throws: DataError.self) {
            try ZeroShotClassifier(ImageTextEncoder(base), classes: ["film", "film"])
        }
        let bert = try TinyModel().base
        #expect(throws: TrainingError.self) { try ImageTextEncoder(bert) }
        #expect(PromptTemplates.photo.prompts(for: "cat") == ["a photo of a cat."])
    }
}

import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

/// Against the formulas of gaopengcuhk/CLIP-Adapter and gaopengcuhk/Tip-Adapter in torch 2.13.0; the fixtures are made
/// by `Tools/reference/clip_use.py`.
@Suite("Few-shot feature adapters")
struct FewShotParityTests {
    @Test func `CLIP-Adapter equals the reference over ten steps`() throws {
        let fixture = try Fixture("clip_use/clip_adapter")
        let adapter = ClipAdapter(
            down: try fixture["start.down"],
            up: try fixture["start.up"],
            ratio: try #require(Double(fixture.metadata["ratio"] ?? ""))
        )
        try check(adapter, fixture)
    }

    @Test func `Tip-Adapter and Tip-Adapter-F equal the reference over ten steps`() throws {
        let fixture = try Fixture("clip_use/tip_adapter")
        let (features, labels) = try shots(fixture)
        let adapter = try TipAdapter(
            features: features,
            labels: labels,
            classCount: 4,
            alpha: try #require(Double(fixture.metadata["alpha"] ?? "")),
            beta: try #require(Double(fixture.metadata["beta"] ?? ""))
        )
        try expectClose(adapter.parameters[0].value, fixture["start.keys"], "keys")
        try check(adapter, fixture)
    }

    /// Compares logits, gradients, ten training steps and what the trained module answers.
    private func check(_ adapter: some FeatureClassifier, _ fixture: Fixture) throws {
        let zeroShot = try Fixture("clip_use/zero_shot")
        let classes = NamedClasses(
            places: try fixture["weights"],
            scale: try zeroShot["scale"].item()
        )
        let all = try fixture["features"]
        let (features, labels) = try shots(fixture)
        try expectClose(adapter.logits(all, classes: classes), fixture["logits"], "logits")

        let leaves = try adapter.parameters.map { try $0.value.trainable() }
        let loss = try adapter.replacing(leaves).logits(features, classes: classes)
            .crossEntropy(Tensor(labels.map(Int64.init)))
        for ((name, _), gradient) in zip(adapter.parameters, try gradients(of: loss, for: leaves)) {
            try expectClose(gradient, fixture["grad.\(name)"], "gradient of \(name)")
        }

        var options = TrainingOptions()
        (options.epochs, options.batchSize, options.learningRate) = (10, labels.count, 1e-2)
        (options.schedule, options.warmup, options.optimizer.weightDecay) = (.constant, 0, 0.01)
        var losses: [Double] = []
        let trained = try adapter.trained(
            on: features,
            labels: labels,
            classes: classes,
            options: options
        ) { losses.append($0) }
        expectClose(losses, try fixture["losses"].values(), "losses")
        for (name, value) in trained.parameters {
            try expectClose(value, fixture["after.\(name)"], tolerance: 1e-4, "\(name) after")
        }
        let asked = try all.narrowed(labels.count..<all.size(0))
        try expectClose(
            trained.logits(asked, classes: classes),
            fixture["asked"],
            tolerance: 1e-4,
            "asked"
        )
    }

    private func shots(_ fixture: Fixture) throws -> (features: Tensor, labels: [Int]) {
        let labels: [Int64] = try fixture["labels"].values()
        return (try fixture["features"].narrowed(0..<labels.count), labels.map { Int($0) })
    }

    @Test func `a search finds what answers most rightly, the smallest of equals`() throws {
        let fixture = try Fixture("clip_use/tip_adapter")
        let classes = NamedClasses(
            places: try fixture["weights"],
            scale: try Fixture("clip_use/zero_shot")["scale"].item()
        )
        let (shown, labels) = try shots(fixture)
        let tip = try TipAdapter(features: shown, labels: labels, classCount: 4)
        // Four other pictures, of classes that neither the names nor the cache at its defaults all tell.
        let asked = try fixture["features"].narrowed(labels.count..<labels.count + 4)
        let wanted = [0, 1, 2, 3]
        let found = try tip.searched(on: asked, labels: wanted, classes: classes)
        func accuracy(_ alpha: Double, _ beta: Double) throws -> Double {
            try TipAdapter(
                features: shown,
                labels: labels,
                classCount: 4,
                alpha: alpha,
                beta: beta
            ).accuracy(on: asked, labels: wanted, classes: classes)
        }
        var best = (alpha: 0.0, beta: 0.0, accuracy: -1.0)
        for b in 0..<20 {
            for a in 0..<20 {
                let (alpha, beta) = (0.1 + Double(a) * 0.145, 0.1 + Double(b) * 0.345)
                let own = try accuracy(alpha, beta)
                if own > best.accuracy { best = (alpha, beta, own) }
            }
        }
        #expect(abs(found.alpha - best.alpha) < 1e-9 && abs(found.beta - best.beta) < 1e-9)
        #expect(
            try found.accuracy(on: asked, labels: wanted, classes: classes) == best.accuracy
        )
    }

    @Test func `accuracy counts right classes, and settings are checked`() throws {
        let classes = NamedClasses(places: try Tensor(identity: 2), scale: 10)
        let features = try Tensor([2, 1, 1, 3, 5, 4] as [Float], shape: [3, 2])
        #expect(
            try ZeroShot().accuracy(on: features, labels: [0, 1, 1], classes: classes) == 2.0 / 3
        )
        let tip = try TipAdapter(features: features, labels: [0, 1, 1], classCount: 2, alpha: 40)
        #expect(try tip.accuracy(on: features, labels: [0, 1, 1], classes: classes) == 1)
        #expect(throws: ConfigurationError.self) { try ClipAdapter(width: 4, reduction: 0) }
        #expect(throws: ConfigurationError.self) {
            try TipAdapter(features: features, labels: [0, 1, 1], classCount: 2, beta: -1)
        }
    }
}

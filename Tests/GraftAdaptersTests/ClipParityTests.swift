import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// Against `transformers` 4.57.6 and `adapters` 1.3.0; the fixtures are made by `Tools/reference/clip.py`.
@Suite("CLIP against transformers 4.57.6")
struct ClipParityTests {
    static let shapes = ["clip/h16", "clip/h12"]
    static let cases = ["double_seq_bn", "lora", "par_bn", "seq_bn"]

    @Test(arguments: shapes)
    func `every layer of both towers equals the reference`(name: String) throws {
        let fixture = try Fixture("\(name)/expected")
        let clip = try model(name)
        let texts = try fixture.batch()
        let images = try fixture.batch(for: clip.imageTower)
        let text = try clip.textTower(
            texts,
            in: ForwardContext(layout: texts.layout),
            wanted: .allWithLayers
        )
        let image = try clip.imageTower(
            images,
            in: ForwardContext(layout: images.layout),
            wanted: .allWithLayers
        )
        for (tower, output) in [("text", text), ("vision", image)] {
            #expect(
                output.layers.count
                    == fixture.tensors(below: "\(tower).").count { $0.key.count == 1 }
            )
            for (index, layer) in output.layers.enumerated() {
                try expectClose(layer, fixture["\(tower).\(index)"], "\(tower).\(index)")
            }
        }
        try expectClose(text.hidden, fixture["text.last"], "text.last")
        try expectClose(
            try #require(try image.pooled()),
            fixture["vision.pooled"],
            "vision.pooled"
        )
    }

    @Test(arguments: shapes)
    func `the contrastive loss and its gradients equal the reference`(name: String) throws {
        let fixture = try Fixture("\(name)/expected")
        let clip = try model(name)
        var adapters = SiteAdapters()
        var zeros: [Tensor] = []
        for target in clip.sites.embedding {
            let shape = try fixture["\(target.site.tower.rawValue).0"].shape
            let probe = Probe(zero: try Tensor(zeros: shape, device: testDevice).trainable())
            adapters.embedding[target.site] = probe
            zeros.append(probe.zero)
        }
        let loss = try loss(clip, adapters, fixture)
        let found = try gradients(of: loss, for: zeros)
        for (target, gradient) in zip(clip.sites.embedding, found) {
            let name = "grad.\(target.site.tower.rawValue)"
            try expectClose(gradient, fixture[name], name)
        }
    }

    @Test(arguments: cases)
    func `adapters in both towers equal the reference over ten steps`(name: String) throws {
        let fixture = try Fixture("clip_adapters/\(name)")
        let clip = try model("clip/h16")
        let start = fixture.tensors.filter { $0.key.hasPrefix("adapter.") }
            .sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
        let buffer = try ParameterBuffer(start, device: testDevice)
        let leaves = zip(buffer.slices, buffer.leaves).map { ($0.name, $1) }
        let stored = StoredParameters(Dictionary(uniqueKeysWithValues: leaves))
        let method = try AdapterRegistry.builtin.method(
            named: try #require(fixture.metadata["method"])
        )
        let adapters = try method.attached(to: clip.sites, ParameterScope(stored) / "adapter")
        try stored.checkAllUsed()
        var settings = AdamW.Settings()
        settings.weightDecay = 0.01
        var optimizer = try AdamW(for: buffer, settings: settings)
        var losses: [Double] = []
        for step in 0..<10 {
            let loss = try loss(clip, adapters, fixture, checksOutputs: step == 0)
            losses.append(try loss.item())
            let found = try gradients(of: loss, for: buffer.leaves)
            if step == 0 {
                for (slice, gradient) in zip(buffer.slices, found) {
                    try expectClose(gradient, fixture["grad.\(slice.name)"], slice.name)
                }
            }
            try optimizer.step(buffer, gradients: buffer.flattened(found), learningRate: 1e-2)
        }
        expectClose(losses, try fixture["losses"].values(), "losses")
        for (slice, leaf) in zip(buffer.slices, buffer.leaves) {
            try expectClose(leaf, fixture["after.\(slice.name)"], "\(slice.name) after ten steps")
        }
    }

    private func model(_ name: String) throws -> Clip {
        try #require(try referenceModel(name) as? Clip)
    }

    /// CLIP's loss over the fixture's pairs, whose parts are compared on the way.
    private func loss(
        _ clip: Clip,
        _ adapters: SiteAdapters,
        _ fixture: Fixture,
        checksOutputs: Bool = true
    ) throws -> Tensor {
        let texts = try fixture.batch()
        let images = try #require(try fixture.batch(for: clip.imageTower) as? ImageBatch)
        func context(_ layout: RaggedLayout) -> ForwardContext {
            ForwardContext(layout: layout, adapters: adapters)
        }
        let text = try unit(clip.embedding(of: texts, in: context(texts.layout)))
        let image = try unit(clip.embedding(of: images, in: context(images.layout)))
        let logits = try image.matmul(text.transposed(0, 1)) * clip.logitScale.exponential()
        let pairs = try Tensor((0..<image.size(0)).map(Int64.init))
        let loss =
            try (logits.crossEntropy(pairs) + logits.transposed(0, 1).crossEntropy(pairs)) * 0.5
        if checksOutputs {
            try expectClose(text, fixture["text_embeds"], "text_embeds")
            try expectClose(image, fixture["image_embeds"], "image_embeds")
            try expectClose(logits, fixture["logits_per_image"], "logits_per_image")
            try expectClose(loss.reshaped(1), fixture["loss"], "loss")
        }
        return loss
    }

    private func unit(_ x: Tensor) throws -> Tensor {
        try x / x.squared().sum(along: -1, keepingDimension: true).squareRoot()
    }
}

/// Adds a zero to the embeddings' output, whose gradient is the gradient there.
private struct Probe: EmbeddingAdapter {
    let zero: Tensor

    func callAsFunction(
        _ embedded: Tensor,
        at site: Site,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor { try embedded + zero }
}

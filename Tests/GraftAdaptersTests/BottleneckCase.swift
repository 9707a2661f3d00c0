import Foundation
import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch

/// A fixture of `adapters` 1.3.0 with its method, and the names translated to ours.
struct BottleneckCase: ReferenceCase {
    let fixture: Fixture
    let bottleneck: Bottleneck
    let head: HeadConfiguration
    let weightDecay = 0.01

    init(_ name: String) throws {
        fixture = try Fixture(name)
        bottleneck = try fixture.json("config")
        head = HeadConfiguration.ofFixture(layers: try fixture.json("head_layers"))
    }

    /// Our name of a reference's parameter: `adapter.encoder.layer.1.output.adapters.a.adapter_up.bias` is
    /// `adapter.encoder.1.feed_forward.up.bias`.
    func name(_ key: String) -> String {
        var key = key
        let down = bottleneck.normBefore ? ("norm_before", "down") : ("down", "down")
        for (theirs, ours) in [
            ("encoder.layer.", "encoder."), (".attention.output.adapters.a.", ".attention."),
            (".output.adapters.a.", ".feed_forward."), ("adapter_down.0", down.0),
            ("adapter_down.1", down.1), ("adapter_up", "up"), ("adapter_norm_after", "norm_after"),
            ("head.1.", "head.0."), ("head.4.", "head.1."),
        ] {
            key = key.replacingOccurrences(of: theirs, with: ours)
        }
        return key
    }

    var method: any AdapterMethod { bottleneck }

    func parameters(_ prefix: String) -> [(name: String, value: Tensor)] {
        storedParameters(prefix).map { (name($0.name), $0.value) }.sorted { $0.name < $1.name }
    }
}

/// An encoder with an adapter and a head.
struct AdaptedEncoder {
    let encoder: any Model & Tower
    let adapters: SiteAdapters
    let head: Head

    init(
        encoder: any Model & Tower,
        method: any AdapterMethod,
        head: HeadConfiguration,
        _ scope: ParameterScope
    ) throws {
        self.encoder = encoder
        var head = head
        head.pooling = encoder.shape.defaultPooling
        adapters = try method.attached(to: encoder.sites, scope / "adapter")
        self.head = try Head(head, model: encoder.shape, scope / "head")
    }

    func output(_ batch: any RaggedBatch, wanted: WantedTokens) throws -> EncoderOutput {
        try encoder(batch, in: context(batch), wanted: wanted)
    }

    func logits(_ batch: any RaggedBatch) throws -> Tensor {
        try head(output(batch, wanted: head.wanted), in: context(batch))
    }

    private func context(_ batch: any RaggedBatch) -> ForwardContext {
        ForwardContext(layout: batch.layout, adapters: adapters)
    }
}

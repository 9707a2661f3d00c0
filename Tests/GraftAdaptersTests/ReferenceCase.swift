import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// A fixture of a reference: a method with its parameters, outputs, gradients and ten training steps.
protocol ReferenceCase {
    var fixture: Fixture { get }
    var method: any AdapterMethod { get }
    var head: HeadConfiguration { get }
    var weightDecay: Double { get }

    /// The tensors below a prefix, under our names: `""` the initial parameters, `grad.`, `after.`.
    func parameters(_ prefix: String) throws -> [(name: String, value: Tensor)]
}

extension ReferenceCase {
    /// The tensors below a prefix, as the fixture names them.
    func storedParameters(_ prefix: String) -> [(name: String, value: Tensor)] {
        fixture.tensors(below: prefix)
            .filter { $0.key.hasPrefix("adapter.") || $0.key.hasPrefix("head.") }
            .map { ($0.key, $0.value) }
    }

    func parameters(_ prefix: String) throws -> [(name: String, value: Tensor)] {
        storedParameters(prefix).sorted { $0.name < $1.name }
    }

    /// The model with the fixture's parameters, in a buffer to train; what is frozen beside it is
    /// below `frozen.`.
    func adapted(
        to encoder: (any Model & Tower)? = nil
    ) throws -> (model: AdaptedEncoder, buffer: ParameterBuffer) {
        let buffer = try ParameterBuffer(parameters(""), device: testDevice)
        let leaves = zip(buffer.slices, buffer.leaves).map { ($0.name, $1) }
        let frozen = fixture.tensors(below: "frozen.").map { ($0.key, $0.value) }
        let stored = StoredParameters(Dictionary(uniqueKeysWithValues: leaves + frozen))
        let model = try AdaptedEncoder(
            encoder: encoder ?? referenceTower(fixture.metadata["model"] ?? "bert/h16"),
            method: method,
            head: head,
            ParameterScope(stored)
        )
        try stored.checkAllUsed()
        return (model, buffer)
    }

    /// The mean loss of some logits, and what the adapters add to it.
    private func loss(_ logits: Tensor, _ model: AdaptedEncoder) throws -> Tensor {
        let loss = try logits.crossEntropy(fixture["labels"])
        return try model.adapters.penalty().map { try loss + $0 } ?? loss
    }

    /// Expects hidden states, logits, loss and every gradient to equal the reference's.
    func expectForwardAndGradients() throws {
        let (model, buffer) = try adapted()
        let batch = try fixture.batch(for: model.encoder)
        let output = try model.output(batch, wanted: .all)
        try expectClose(output.hidden, fixture["hidden"], "hidden")
        let logits = try model.logits(batch)
        try expectClose(logits, fixture["logits"], "logits")
        let loss = try loss(logits, model)
        try expectClose(loss.reshaped(1), fixture["loss"], "loss")
        let expected = try parameters("grad.")
        #expect(expected.map(\.name) == buffer.slices.map(\.name))
        for (gradient, expected) in zip(try gradients(of: loss, for: buffer.leaves), expected) {
            try expectClose(gradient, expected.value, "gradient of \(expected.name)")
        }
    }

    /// Expects the losses of ten steps of AdamW, and the values behind them, to equal the reference's.
    func expectTenSteps() throws {
        let (losses, buffer) = try takeTenSteps()
        expectClose(losses, try fixture["losses"].values(), "losses")
        for (leaf, expected) in zip(buffer.leaves, try parameters("after.")) {
            try expectClose(leaf, expected.value, "\(expected.name) after ten steps")
        }
    }

    /// Takes ten steps of AdamW, with what the method does between them.
    ///
    /// - Parameter afterStep: Told the parameters behind each step.
    /// - Returns: The losses, and the parameters in the end.
    /// - Throws: What a pass or `afterStep` throws.
    @discardableResult
    func takeTenSteps(
        afterStep: (ParameterBuffer) throws -> Void = { _ in }
    ) throws -> (losses: [Double], buffer: ParameterBuffer) {
        let (model, buffer) = try adapted()
        let batch = try fixture.batch(for: model.encoder)
        var settings = AdamW.Settings()
        settings.weightDecay = weightDecay
        var optimizer = try AdamW(for: buffer, settings: settings)
        var rule = try method.stepRule(for: buffer.slices, steps: 10)
        var losses: [Double] = []
        for step in 1...10 {
            let loss = try loss(model.logits(batch), model)
            losses.append(try loss.item())
            let gradient = try buffer.flattened(gradients(of: loss, for: buffer.leaves))
            try optimizer.step(buffer, gradients: gradient, learningRate: 1e-2)
            let changed = try rule?.act(after: step, values: buffer.values, gradient: gradient)
            if let changed { try buffer.load(changed) }
            try afterStep(buffer)
        }
        return (losses, buffer)
    }
}

extension HeadConfiguration {
    /// The head of the fixtures: three classes.
    static func ofFixture(_ kind: HeadKind = .classification, layers: Int) -> HeadConfiguration {
        var head = HeadConfiguration(kind, outputCount: 3)
        head.layers = layers
        return head
    }
}

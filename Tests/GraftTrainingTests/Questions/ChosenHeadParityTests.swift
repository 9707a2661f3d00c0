import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

/// Against `adapters` 1.3.0; the fixtures are made by `Tools/reference/heads.py`.
@Suite("Heads that choose a token or a text, against adapters 1.3.0")
struct ChosenHeadParityTests {
    @Test(arguments: [
        "question-answering_1", "question-answering_2", "multiple-choice_1", "multiple-choice_2",
    ])
    func `logits, loss and gradients equal the reference`(name: String) throws {
        let fixture = try Fixture("heads/" + name)
        let base = try TinyModel("bert/h16").base
        let kind: HeadKind = name.hasPrefix("question") ? .questionAnswering : .multipleChoice
        var configuration = HeadConfiguration(
            kind,
            outputCount: try base.outputCount(kind, labels: nil)
        )
        #expect(configuration.layers == (kind == .questionAnswering ? 1 : 2))
        configuration.layers = name.hasSuffix("1") ? 1 : 2
        // The reference numbers dropout and activation too: its layers 1 and 4 are ours 0 and 1.
        let numbers = ["1": "0", "4": "1"]
        let leaves = try fixture.tensors(below: "head.").sorted { $0.key < $1.key }.map {
            (key: $0.key, value: try $0.value.trainable())
        }
        let named = leaves.map { key, value in
            ("head." + (numbers[String(key.prefix(1))] ?? "") + key.dropFirst(), value)
        }
        let stored = StoredParameters(Dictionary(uniqueKeysWithValues: named))
        let model = try AdaptedModel(
            base,
            method: AdapterRegistry.builtin.method(named: "head"),
            head: configuration,
            ParameterScope(stored)
        )
        try stored.checkAllUsed()
        let rows = try kind == .questionAnswering ? questions(fixture) : choices(fixture)
        let all = 0..<rows.count
        let logits = try model.logits(rows.batch(all))
        try expectClose(logits, fixture["logits"], "logits")
        let task = TaskLoss(kind)
        let sum = try task.sum(logits, of: all, in: rows)
        let loss = try sum * (1 / task.weight(of: all, in: rows, outputs: 1))
        try expectClose(loss.reshaped(1), fixture["loss"], "loss")
        for (leaf, gradient) in zip(leaves, try gradients(of: loss, for: leaves.map(\.value))) {
            try expectClose(gradient, fixture["grad.head." + leaf.key], leaf.key)
        }
        // In another order, and in parts, it is the same.
        let shuffled = Array(all.reversed())
        let other = try task.sum(model.logits(rows.batch(shuffled)), of: shuffled, in: rows)
        let parts = try all.map { try task.sum(model.logits(rows.batch([$0])), of: [$0], in: rows) }
        expectClose([try other.item()], [try sum.item()])
        expectClose([try parts.reduce(0) { $0 + (try $1.item()) }], [try sum.item()])
        let predictions = try model.predictions(rows, loss: task)
        expectClose([try #require(predictions.loss)], [try loss.item()])
        #expect(predictions.logits.flatMap(\.self) == (try logits.values() as [Float]))
    }

    private func questions(_ fixture: Fixture) throws -> EncodedRows {
        let (ids, types) = (try fixture.rows("ids"), try fixture.rows("type_ids"))
        let labels: [Int64] = try fixture["labels"].values()
        return EncodedRows(
            questions: ids.indices.map { row in
                let span = TokenSpan(
                    first: Int32(labels[2 * row]),
                    last: Int32(labels[2 * row + 1])
                )
                return (ids[row], types[row], span)
            }
        )
    }

    private func choices(_ fixture: Fixture) throws -> EncodedRows {
        let sequences = zip(try fixture.rows("ids"), try fixture.rows("type_ids")).map { ($0, $1) }
        let counts: [Int64] = try fixture["counts"].values()
        let labels: [Int64] = try fixture["labels"].values()
        var start = 0
        return EncodedRows(
            choices: zip(counts, labels).map { count, label in
                defer { start += Int(count) }
                return (Array(sequences[start..<start + Int(count)]), Int32(label))
            }
        )
    }
}

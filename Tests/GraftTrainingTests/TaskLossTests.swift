import GraftData
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

/// Against torch 2.13.0; the fixtures are made by `Tools/reference/heads.py` and `optim.py`.
@Suite("Losses and schedules against torch 2.13.0")
struct TaskLossTests {
    private struct Case {
        let name: String
        var labels = "labels"
        var smoothing = false
        var weights = false
    }

    @Test
    func `losses and their gradients equal the reference`() throws {
        let fixture = try Fixture("losses")
        let smoothing = try fixture["label_smoothing"].item()
        for example in [
            Case(name: "plain"), Case(name: "ignored", labels: "labels_ignored"),
            Case(name: "smoothed", smoothing: true), Case(name: "weighted", weights: true),
            Case(name: "weighted_smoothed", smoothing: true, weights: true),
            Case(
                name: "weighted_smoothed_ignored",
                labels: "labels_ignored",
                smoothing: true,
                weights: true
            ),
        ] {
            let logits = try fixture["logits"].trainable()
            let loss = try logits.crossEntropy(
                fixture[example.labels],
                classWeights: example.weights ? fixture["class_weights"] : nil,
                smoothing: example.smoothing ? smoothing : 0
            )
            try check(example.name, loss, logits, fixture)
        }
        let logits = try fixture["logits"].trainable()
        try check("binary", logits.binaryCrossEntropy(fixture["binary_labels"]), logits, fixture)
        try check("squared_error", logits.meanSquaredError(fixture["targets"]), logits, fixture)
    }

    @Test(arguments: [
        ("plain", false, false), ("smoothed", true, false), ("weighted", false, true),
        ("weighted_smoothed", true, true),
    ])
    func `a class loss in parts adds up to the reference`(
        name: String,
        isSmoothed: Bool,
        isWeighted: Bool
    ) throws {
        let fixture = try Fixture("losses")
        let labels: [Int64] = try fixture["labels"].values()
        let rows = try rows(
            labels.map { "\"\($0)\"" },
            RowSchema(.text, target: .category),
            .classification,
            LabelMap(names: ["0", "1", "2", "3"])
        )
        let loss = try TaskLoss(
            .classification,
            labelSmoothing: isSmoothed ? fixture["label_smoothing"].item() : 0,
            classWeights: isWeighted ? fixture["class_weights"].values() : nil
        )
        try checkParts(name, loss, rows, fixture)
    }

    @Test
    func `a multi-label loss in parts adds up to the reference`() throws {
        let fixture = try Fixture("losses")
        let flags: [Float] = try fixture["binary_labels"].values()
        let lists = (0..<7).map { row in
            let names = (0..<4).filter { flags[row * 4 + $0] == 1 }.map { "\"\($0)\"" }
            return "[" + names.joined(separator: ",") + "]"
        }
        let rows = try rows(
            lists,
            RowSchema(.text, target: .categories),
            .multiLabel,
            LabelMap(names: ["0", "1", "2", "3"])
        )
        try checkParts("binary", TaskLoss(.multiLabel), rows, fixture)
    }

    @Test
    func `a regression loss in parts adds up to the reference`() throws {
        let fixture = try Fixture("losses")
        let targets: [Float] = try fixture["targets"].values()
        let rows = try rows(
            targets.map(\.description),
            RowSchema(.text, target: .number),
            .regression,
            nil
        )
        try checkParts("squared_error", TaskLoss(.regression), rows, fixture)
    }

    @Test(arguments: Schedule.allCases)
    func `schedules equal the reference`(schedule: Schedule) throws {
        let expected: [Double] = try Fixture("optim")["schedule.\(schedule.rawValue)"].values()
        let found = (0..<20).map { 1e-3 * schedule.factor(step: $0, warmup: 4, total: 20) }
        for (found, expected) in zip(found, expected) { #expect(abs(found - expected) < 1e-15) }
    }

    private func check(
        _ name: String,
        _ loss: Tensor,
        _ logits: Tensor,
        _ fixture: Fixture
    ) throws {
        try expectClose(loss.reshaped(1), fixture["loss.\(name)"], tolerance: 1e-6, name)
        try expectClose(
            gradients(of: loss, for: [logits])[0],
            fixture["grad.\(name)"],
            tolerance: 1e-6,
            "gradient of \(name)"
        )
    }

    /// Adds the loss up over two parts of the rows, as workers do.
    private func checkParts(
        _ name: String,
        _ loss: TaskLoss,
        _ rows: EncodedRows,
        _ fixture: Fixture
    ) throws {
        let logits = try fixture["logits"].trainable()
        let lines = try logits.reshaped([rows.count, logits.count / rows.count])
        let order = Array((0..<rows.count).reversed())
        let parts = [order[..<3], order[3...]]
        let weight = loss.weight(of: order, in: rows, outputs: lines.size(1))
        let sums = try parts.map { part in
            let indices = try Tensor(part.map(Int64.init))
            return try loss.sum(lines.selecting(indices), of: part, in: rows) * (1 / weight)
        }
        try check(name, sums[0] + sums[1], logits, fixture)
    }

    private func rows(
        _ labels: [String],
        _ schema: RowSchema,
        _ kind: HeadKind,
        _ names: LabelMap?
    ) throws -> EncodedRows {
        let member = schema.target == .categories ? "labels" : "label"
        let lines = labels.map { "{\"text\":\"1\",\"\(member)\":\($0)}" }
        let data = try Dataset(
            parsing: Array(lines.joined(separator: "\n").utf8),
            named: "rows.jsonl",
            schema: schema,
            format: .jsonLines
        )
        return try EncodedRows(
            data,
            tokenizer: NumberTokenizer(),
            maxLength: 4,
            kind: kind,
            labels: names
        )
    }
}

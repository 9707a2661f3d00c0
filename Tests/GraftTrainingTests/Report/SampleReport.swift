import Foundation
import GraftTraining

extension RunReport {
    /// A run about which nothing is known but its name.
    static let empty = RunReport(
        title: "empty",
        command: [],
        started: Date(timeIntervalSince1970: 1_795_468_602),
        model: Model(
            name: "tiny",
            family: "bert",
            layers: 2,
            hiddenSize: 8,
            parameters: 1000,
            contentHash: "sha256:00"
        ),
        method: Method("lora[rank=4]"),
        task: "classification"
    )

    /// A run with something in every field, over labels of the given names.
    static func complete(labels names: [String]) -> RunReport {
        var report = empty
        report.title = "complete"
        report.command = ["graft", "train", "--method", "lora[rank=4]", "--seed", "0"]
        report.duration = 61
        report.method.configuration = [Entry("rank", 4), Entry("alpha", 8.0)]
        report.data = [
            DataFile(role: "train", path: "train.jsonl", rows: 1200),
            DataFile(role: "eval", path: "eval.jsonl", rows: 300),
        ]
        report.labels = names.map { Label($0, trainRows: 40, evalRows: 10) }
        report.majorityBaseline = 0.25
        report.parameters = Parameters(
            trainable: 128,
            adapter: 120,
            head: 8,
            total: 1128,
            sites: (0..<2).flatMap { layer in
                ["query", "value"].map { Parameters.Site(layer: layer, path: $0, parameters: 30) }
            }
        )
        report.settings = [Entry("epochs", 3), Entry("learning rate", 0.001)]
        report.steps = (1...30).map { number in
            Step(
                number: number,
                epoch: Double(number) / 10,
                loss: 2 / Double(number),
                learningRate: 0.001 * (1 - Double(number) / 30),
                gradientNorm: 1
            )
        }
        report.epochs = (1...3).map { number in
            Epoch(
                number: number,
                step: number * 10,
                metrics: [
                    Metric("accuracy", [0.5, 0.75, 0.625][number - 1]),
                    Metric("loss", 1 / Double(number)),
                    Metric("perplexity", 12.5),
                ]
            )
        }
        report.bestEpoch = 2
        report.metrics = report.epochs[1].metrics
        report.confusion = try? ConfusionMatrix(
            predictions: names.indices.flatMap { gold in
                Array(repeating: gold, count: 9) + [(gold + 1) % names.count]
            },
            labels: names.indices.flatMap { Array(repeating: $0, count: 10) },
            names: names
        )
        report.speed.examplesPerSecond = 240
        report.speed.tokensPerSecond = 5000
        report.speed.readySeconds = 0.8
        report.speed.trainSeconds = 20
        report.speed.evalExamplesPerSecond = 700
        report.peakMemory = 400 << 20
        report.versions = [Entry("Graft", "0.1.0")]
        report.warnings = ["3 rows were cut at 128 tokens."]
        report.mistakes = [
            Mistake(text: "a text", gold: names[0], predicted: names[names.count - 1], score: 0.9)
        ]
        return report
    }
}

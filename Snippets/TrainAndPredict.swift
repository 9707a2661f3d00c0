// Trains an adapter on a frozen model, keeps it, and asks it about a new message.
//
//     swift run -c release TrainAndPredict "$(Scripts/model.sh)"
import GraftData
import GraftTraining

let base = try BaseModel(path: CommandLine.arguments[1])
let schema = RowSchema(.text, target: .category, columns: ColumnNames(label: "urgency"))
let rows = try Dataset(contentsOf: "Examples/support-tickets/train.jsonl", schema: schema)

var options = TrainingOptions()
(options.epochs, options.batchSize, options.learningRate) = (8, 16, 1e-3)
let adapter = try base.train("double_seq_bn", on: rows, options: options)
try adapter.write(to: "runs/urgency")

let predictor = try Predictor(base, adapter: adapter)
for answer in try predictor(["The site is down and customers are leaving!"]) {
    print(answer.labels, answer.scores)
}

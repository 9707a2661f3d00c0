// Trains an adapter on a frozen model, keeps it, and asks it about a new message.
//
//     swift run -c release TrainAndPredict "$(Scripts/model.sh)"
import GraftAdapters
import GraftData
import GraftFormats
import GraftModels
import GraftTraining

let base = try BaseModel(path: CommandLine.arguments.dropFirst().first ?? "MiniLM")
let schema = RowSchema(.text, target: .category, columns: ColumnNames(label: "urgency"))
let data = try Dataset(contentsOf: "Examples/support-tickets/train.jsonl", schema: schema)
let labels = try LabelMap(of: data)
let rows = try EncodedRows(
    data,
    tokenizer: base.tokenizer,
    maxLength: 128,
    kind: .classification,
    labels: labels
)

let name = "double_seq_bn[reduction_factor=8]"
let method = try AdapterRegistry.builtin.method(named: name)
let head = HeadConfiguration(.classification, outputCount: labels.count)
var options = TrainingOptions()
options.batchSize = 16
options.learningRate = 2e-3
let trainer = try Trainer(
    base,
    method: method,
    head: head,
    labels: labels.names,
    options: options
)
let outcome = try trainer.run(on: rows, evaluation: nil)

let adapter = AdapterBundle(
    method: method,
    methodName: name,
    head: head,
    labels: labels.names,
    maxLength: 128,
    base: try base.identity(),
    provenance: [:],
    tensors: outcome.tensors
)
try adapter.write(to: "runs/urgency")
let predictor = try Predictor(base, adapter: adapter)
for answer in try predictor(["The site is down and customers are leaving!"]) {
    print(answer.labels, answer.scores)
}

internal import Foundation
internal import GraftAdapters
internal import GraftData
internal import GraftFormats
internal import GraftLayers
internal import GraftModels
internal import GraftTorch
internal import GraftTraining

/// Everything that a run needs, read and checked before its first step.
struct TrainingRun {
    let base: BaseModel
    let method: any AdapterMethod
    /// The method as the user wrote it.
    let methodName: String
    let head: HeadConfiguration
    /// The names of the classes; empty for regression.
    let labels: [String]
    let train: Dataset
    let evaluation: Dataset?
    let trainRows: EncodedRows
    let evaluationRows: EncodedRows?
    let maxLength: Int
    let trainer: Trainer
    /// What the user should know before the run.
    let warnings: [String]
    /// What makes the run what it is besides its settings.
    let fingerprint: String
    /// The hash of the training file.
    let trainHash: ContentHash
    /// What the adapter will remember of the model: hashing it takes a while, so training does not wait for it.
    let identity: Background<BaseIdentity>

    init(_ command: Train) throws {
        let (task, settings) = (command.task, command.settings)
        let kind = task.task
        method = try task.adapterMethod()
        methodName = task.method
        base = try command.model.load()
        maxLength = try settings.longestRow(positions: base.shape.positions)
        train = try command.data.read(
            command.train,
            for: kind,
            labelled: true,
            limit: command.limit
        )
        evaluation = try command.evaluation.map {
            try command.data.read($0, for: kind, labelled: true, limit: command.evalLimit)
        }
        let labelMap = try task.labelMap(of: train)
        labels = labelMap?.names ?? []
        head = try task.head(outputs: labelMap?.count ?? 1)
        let (base, maxLength, labels) = (base, maxLength, labels)
        func encoded(_ data: Dataset) throws -> EncodedRows {
            try EncodedRows(
                data,
                tokenizer: base.tokenizer,
                maxLength: maxLength,
                kind: kind,
                labels: labelMap
            )
        }
        let rows = try encoded(train)
        trainRows = rows
        evaluationRows = try evaluation.map(encoded)
        trainer = try Trainer(
            base,
            method: method,
            head: head,
            labels: labels,
            classWeights: settings.classWeights.map {
                try ClassWeights.read($0, labels: labels, rows: rows)
            },
            options: settings.options(for: method, rows: train.count)
        )
        trainHash = try ContentHash(ofFile: command.train)
        identity = Background { try base.identity() }
        fingerprint = try TrainingRun.fingerprint(
            base,
            method,
            head,
            labels: labels,
            data: [trainRows, evaluationRows].map { $0?.contentHash.hexadecimal ?? "" },
            settings: [
                settings.classWeights ?? "", command.model.dtype.rawValue,
                command.model.device.description,
            ]
        )
        warnings =
            try method.warnings(for: base.encoder.sites, isSequenceTask: kind != .tagging)
            + TrainingRun.warnings(trainer, trainRows, train.path, maxLength: maxLength)
    }

    /// The metric that chooses the best epoch.
    var metric: Metric { trainer.options.metric ?? head.kind.primaryMetric }

    /// What is about to be trained, in a line.
    var announcement: String {
        "\(methodName) on \(base.path): \(Figures.count(trainer.trainableCount)) parameters,"
            + " \(Figures.count(train.count)) rows, \(trainer.options.workers) workers"
    }

    private static func fingerprint(
        _ base: BaseModel,
        _ method: any AdapterMethod,
        _ head: HeadConfiguration,
        labels: [String],
        data: [String],
        settings: [String]
    ) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // The model goes by its files' sizes and times: hashing its weights would delay the first step.
        let files = try Checkpoint(path: base.path).files.map { file in
            let facts = try FileManager.default.attributesOfItem(atPath: file.mapping.path)
            let changed = facts[.modificationDate] as? Date
            return "\(file.mapping.byteCount) \(changed?.timeIntervalSince1970 ?? 0)"
        }
        let parts =
            files + data + settings + [
                URL(filePath: base.path).standardizedFileURL.resolvingSymlinksInPath().path,
                String(decoding: try encoder.encode(method), as: UTF8.self),
                String(decoding: try encoder.encode(head), as: UTF8.self),
                String(decoding: try encoder.encode(labels), as: UTF8.self),
            ]
        return ContentHash(of: parts.joined(separator: "\n").utf8).hexadecimal
    }

    private static func warnings(
        _ trainer: Trainer,
        _ rows: EncodedRows,
        _ path: String,
        maxLength: Int
    ) throws -> [String] {
        var warnings: [String] = []
        let adapters = trainer.model.adapters
        if !adapters.hidden.isEmpty || !adapters.linear.isEmpty {
            let change = try trainer.startChange(rows, rows: 0..<min(8, rows.count))
            if change > 0.25 {
                warnings.append(
                    "the adapter's start values change the last hidden states by"
                        + " \(Figures.percent(change)) (hint: a start near the identity, such as"
                        + " init_weights=mam_adapter, trains more evenly)"
                )
            }
        }
        let full = (0..<rows.count).count { rows.length($0) >= maxLength }
        if full > 0 {
            warnings.append(
                "\(path): \(Figures.count(full)) of \(Figures.count(rows.count)) rows fill"
                    + " the \(maxLength) tokens of --max-length; what lies beyond is cut"
            )
        }
        return warnings
    }
}

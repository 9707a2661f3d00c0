internal import Foundation
internal import GraftAdapters
internal import GraftData
internal import GraftFormats
internal import GraftLayers
internal import GraftModels
internal import GraftTorch
internal import GraftTraining

/// What the runs of a command share, read and checked before the first of them: the frozen model, the rows as token
/// ids, and the head that reads the model.
struct TrainingTask {
    let base: BaseModel
    let head: HeadConfiguration
    /// The names of the classes; empty for regression.
    let labels: [String]
    /// A weight for each class, where the user gave any.
    let classWeights: [Float]?
    let train: Dataset
    let evaluation: Dataset?
    let trainRows: EncodedRows
    let evaluationRows: EncodedRows?
    let maxLength: Int
    /// The hash of the training file.
    let trainHash: ContentHash
    /// What adapters will remember of the model: hashing it takes a while, so training does not wait for it.
    let identity: Background<BaseIdentity>
    /// What makes a run what it is besides its method and its options, in lines.
    private let fingerprint: [String]

    /// Reads everything.
    ///
    /// - Throws: A one-line error naming the file, the line or the option.
    init(
        _ model: ModelOptions,
        files: TrainingFiles,
        task: TaskOptions,
        settings: TrainingSettings,
        data: DataOptions
    ) throws {
        let kind = task.task
        base = try model.load()
        maxLength = try settings.longestRow(positions: base.shape.positions)
        train = try data.read(files.train, for: kind, labelled: true, limit: files.limit)
        evaluation = try files.evaluation.map {
            try data.read($0, for: kind, labelled: true, limit: files.evalLimit)
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
        classWeights = try settings.classWeights.map {
            try ClassWeights.read($0, labels: labels, rows: rows)
        }
        trainHash = try ContentHash(ofFile: files.train)
        identity = Background { try base.identity() }
        fingerprint =
            try TrainingTask.facts(of: base)
            + [trainRows, evaluationRows].map { $0?.contentHash.hexadecimal ?? "" }
            + [
                settings.classWeights ?? "", model.dtype.rawValue, model.device.description,
                URL(filePath: base.path).standardizedFileURL.resolvingSymlinksInPath().path,
            ]
    }

    /// What makes a run what it is besides its options: a hash that no other run has.
    ///
    /// - Parameters:
    ///   - method: What is trained.
    ///   - hashes: What tells the trained adapters in it from others.
    /// - Returns: A hash over the model, the rows, the head and the method.
    /// - Throws: `EncodingError` if the method cannot be written as JSON, for which no cause is known.
    func fingerprint(of method: any AdapterMethod, with hashes: [String] = []) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let parts: [any Encodable] = [StoredMethod(method), head, labels]
        let encoded = try parts.map { String(decoding: try encoder.encode($0), as: UTF8.self) }
        return ContentHash(of: (fingerprint + hashes + encoded).joined(separator: "\n").utf8)
            .hexadecimal
    }

    /// What the user should know about the rows.
    var warnings: [String] {
        let full = (0..<trainRows.count).count { trainRows.length($0) >= maxLength }
        guard full > 0 else { return [] }
        return [
            "\(train.path): \(Figures.count(full)) of \(Figures.count(trainRows.count)) rows fill"
                + " the \(maxLength) tokens of --max-length; what lies beyond is cut"
        ]
    }

    /// What always answering the most frequent class of the training rows scores.
    func majorityBaseline(_ metric: Metric) throws -> Double? {
        guard case .classes(let seen) = trainRows.targets,
            case .classes(let wanted)? = evaluationRows?.targets
        else { return nil }
        let counts = Dictionary(grouping: seen, by: \.self).mapValues(\.count)
        guard let most = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) })?.key else {
            return nil
        }
        let metrics = try classificationMetrics(
            predictions: [Int](repeating: Int(most), count: wanted.count),
            labels: wanted.map(Int.init),
            names: labels
        )
        return metrics[metric]
    }

    /// The model goes by its files' sizes and times: hashing its weights would delay the first step.
    private static func facts(of base: BaseModel) throws -> [String] {
        try Checkpoint(path: base.path).files.map { file in
            let facts = try FileManager.default.attributesOfItem(atPath: file.mapping.path)
            let changed = facts[.modificationDate] as? Date
            return "\(file.mapping.byteCount) \(changed?.timeIntervalSince1970 ?? 0)"
        }
    }
}

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
    /// Whether rows may call a class by its number.
    let acceptsLabelNumbers: Bool
    /// A weight for each class, where the user gave any.
    let classWeights: [Float]?
    let train: Dataset
    let evaluation: Dataset?
    let trainRows: EncodedRows
    let evaluationRows: EncodedRows?
    let maxLength: Int
    let reading: ReadingOptions
    /// The hash of the training file, or of all files of a folder.
    let trainHash: ContentHash
    /// What adapters will remember of the model: hashing it takes a while, so training does not wait for it.
    let identity: Background<BaseIdentity>
    /// What makes a run what it is besides its method and its options, in lines.
    private let fingerprint: [String]
    /// What the user should know about pictures that were left out.
    private let brokenWarnings: [String]

    /// Reads everything.
    ///
    /// - Throws: A one-line error naming the file, the line or the option.
    init(
        _ model: ModelOptions,
        files: TrainingFiles,
        task: TaskOptions,
        settings: TrainingSettings,
        data: RowOptions
    ) throws {
        let kind = task.task
        base = try model.load()
        try task.name.check(on: base)
        maxLength = try settings.longestRow(of: base, for: kind)
        let (base, maxLength) = (base, maxLength)
        func read(_ path: String, limit: Int?) throws -> TaskRows {
            try data.read(path, for: kind, on: base, labelled: true, limit: limit)
        }
        let learned = try read(files.train, limit: files.limit)
        let scored = try files.evaluation.map { try read($0, limit: files.evalLimit) }
        (train, evaluation) = (learned.answers, scored?.answers)
        try TrainingTask.checkTexts(train, evaluation)
        let reading = try settings.reading(for: kind).suiting(train)
        self.reading = reading
        brokenWarnings = [learned, scored].compactMap { $0?.warning }
        let labelMap = try task.labelMap(of: train)
        labels = labelMap?.names ?? []
        acceptsLabelNumbers = labelMap?.acceptsNumbers ?? true
        head = try task.head(outputs: base.outputCount(kind, labels: labelMap), on: base.shape)
        // Before a class that only the rows to score on have is called unknown.
        if task.labels == nil { try Trainer.checkClasses(of: head, labels) }
        func encoded(_ rows: TaskRows) throws -> EncodedRows {
            try base.encoded(
                rows,
                maxLength: maxLength,
                reading: reading,
                kind: kind,
                labels: labelMap
            )
        }
        let rows = try encoded(learned)
        trainRows = rows
        evaluationRows = try scored.map(encoded)
        if let augmentation = settings.augment { _ = try rows.augmented(augmentation, seed: 0) }
        let labels = labels
        classWeights = try settings.classWeights.map {
            try ClassWeights.read($0, labels: labels, rows: rows)
        }
        trainHash = try TrainingTask.hash(of: train)
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

    /// Confirms that the rows to score on have as many texts each as those to learn from.
    private static func checkTexts(_ train: Dataset, _ evaluation: Dataset?) throws {
        guard let evaluation, evaluation.hasPairs != train.hasPairs else { return }
        func count(_ rows: Dataset) -> String { rows.hasPairs ? "two texts" : "one text" }
        throw CommandError(
            "\(evaluation.path): the rows have \(count(evaluation)) each, those of \(train.path)"
                + " \(count(train))",
            hint: "--text-column and --pair-column name the columns"
        )
    }

    /// Whether there are conversations among the rows.
    var hasMessages: Bool { train.contains { $0.messages != nil } }

    /// What the user should know about the rows.
    var warnings: [String] {
        let path = train.path
        let cut = [
            CutRows.warning(trainRows, limit: maxLength, path: path, of: "--max-length"),
            CutRows.warning(
                targetsOf: trainRows,
                head.kind,
                reading,
                path: path,
                of: "--max-target-length"
            ),
        ]
        return brokenWarnings
            + (cut + [twinWarning, soleClassWarning, sameFileWarning]).compactMap(\.self)
    }

    /// Rows to score on that any answer of one class would be right for.
    private var soleClassWarning: String? {
        guard let evaluation, case .classes(let classes)? = evaluationRows?.targets,
            let first = classes.first, Set(classes).count == 1
        else { return nil }
        return "\(evaluation.path): all rows to score on have the class '\(labels[Int(first)])', so"
            + " that scores say nothing (hint: --eval-limit takes the first rows)"
    }

    private var sameFileWarning: String? {
        guard let evaluation, evaluation.path == train.path else { return nil }
        return
            "\(train.path): --eval is the file that is learned from: scores say nothing of new rows"
    }

    /// Names of classes that differ in case alone, which is how files of two programs say one.
    private var twinWarning: String? {
        LabelMap.twins(labels) { $0.lowercased() }.map {
            "\(train.path): the classes \($0) differ in case alone"
        }
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

    /// The hash of the file that rows were read from; of a folder, that of its pictures and their names.
    static func hash(of rows: Dataset) throws -> ContentHash {
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: rows.path, isDirectory: &isFolder),
            isFolder.boolValue
        else { return try ContentHash(ofFile: rows.path) }
        let names = rows.map(\.text)
        let files = try ContentHash(ofFiles: names.map { rows.path + "/" + $0 }, cache: nil)
        return ContentHash(of: (names + [files.hexadecimal]).joined(separator: "\n").utf8)
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

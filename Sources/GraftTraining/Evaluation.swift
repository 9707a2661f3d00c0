public import GraftModels
internal import GraftTorch

/// What a model says about rows.
public struct Predictions: Sendable {
    /// The logits of each row: `outputs` numbers, or for tagging and questions `outputs` for each token, or one for each choice; where the model writes
    /// text, one number instead: the negative logarithm of the probability of what it was to write.
    public let logits: [[Float]]
    /// The sum of the rows' losses divided by their weight; `nil` for rows without labels.
    public let loss: Double?

    /// Takes what a model said.
    ///
    /// - Throws: ``TrainingError/scoresNotFinite(row:)``: no class is the likeliest where a score is not a number.
    init(logits: [[Float]], loss: Double?) throws(TrainingError) {
        if let row = logits.firstIndex(where: { !$0.allSatisfy(\.isFinite) }) {
            throw .scoresNotFinite(row: row)
        }
        (self.logits, self.loss) = (logits, loss)
    }
}

extension AdaptedModel {
    /// Computes the logits of rows, in parts on all workers.
    ///
    /// - Parameters:
    ///   - data: The rows.
    ///   - loss: Computes the loss too, for rows with labels.
    ///   - workers: How many parts are computed at once.
    ///   - partLength: The tokens of one part, up to half a row more at either end, which bound the memory.
    ///   - progress: Called with the number of rows done, from any thread.
    /// - Returns: Logits in the order of the rows.
    /// - Throws: `TorchError` if a row is too long for the model or memory runs out; ``TrainingError`` if a score is
    ///   not finite.
    public func predictions(
        _ data: EncodedRows,
        loss: TaskLoss? = nil,
        workers: Workers = Workers(),
        partLength: Int = Workers.partLength,
        progress: @Sendable (Int) -> Void = { _ in }
    ) throws -> Predictions {
        try predictions(
            data,
            loss: loss,
            workers: workers,
            partLength: partLength,
            trunks: nil,
            progress: progress
        )
    }

    /// As the public form, with the states below what is trained from a cache.
    func predictions(
        _ data: EncodedRows,
        loss: TaskLoss?,
        workers: Workers,
        partLength: Int = Workers.partLength,
        trunks: TrunkCache?,
        progress: @Sendable (Int) -> Void = { _ in }
    ) throws -> Predictions {
        try pack(for: data)
        let workers = device == .cpu ? workers : Workers(1)
        let parts = data.parts(partLength: partLength, for: workers)
        let results = try workers.map(parts.count) { index in
            let part = try predictions(
                of: parts[index],
                in: data,
                loss: loss?.comparesRows == true ? nil : loss,
                trunks: trunks
            )
            progress(parts[index].count)
            return part
        }
        var logits = [[Float]](repeating: [], count: data.count)
        var total = 0.0
        for (rows, result) in zip(parts, results) {
            for (row, values) in zip(rows, result.logits) { logits[row] = values }
            total += result.loss
        }
        let weight = loss?.weight(
            of: 0..<data.count,
            in: data,
            outputs: head.configuration.outputCount
        )
        if let loss, loss.comparesRows { total = try comparedLoss(logits, loss, in: data) }
        return try Predictions(logits: logits, loss: weight.map { total / $0 })
    }

    /// The summed loss of rows that are compared with one another: with the next ones, as many at once as a large
    /// batch has, so that memory does not grow with the square of the rows.
    private func comparedLoss(
        _ logits: [[Float]],
        _ loss: TaskLoss,
        in data: EncodedRows
    ) throws -> Double {
        try stride(from: 0, to: data.count, by: 1024).reduce(0) { total, first in
            let rows = first..<min(first + 1024, data.count)
            let values = try Tensor(rows: logits[rows])
            return total + (try loss.sum(values, of: rows, in: data).item())
        }
    }

    private func predictions(
        of rows: [Int],
        in data: EncodedRows,
        loss: TaskLoss?,
        trunks: TrunkCache?
    ) throws -> (logits: [[Float]], loss: Double) {
        try withoutGradients { () throws in
            if let writing = try writing(rows, in: data, trunks: trunks) {
                let losses = try writing.rowSums(loss ?? TaskLoss(head.configuration.kind))
                return (losses.map { [Float($0)] }, losses.reduce(0, +))
            }
            let batch = try data.batch(rows, device: device)
            let trunk = try trunks?.trunk(of: rows, in: data, batch)
            let logits = try logits(batch, trunk: trunk)
            let loss = try loss?.sum(logits, of: rows, in: data).item() ?? 0
            let split = try head.configuration.split(logits, of: rows, in: data)
            return (split, loss)
        }
    }
}

extension HeadConfiguration {
    /// The outputs of each row of a part.
    ///
    /// - Parameters:
    ///   - logits: [rows, outputs], or [tokens, outputs] where each token has an answer.
    ///   - rows: Which rows.
    ///   - data: All rows.
    /// - Returns: For each row its outputs, or those of its tokens one after another.
    /// - Throws: `TorchError` if memory runs out.
    func split(
        _ logits: Tensor,
        of rows: [Int],
        in data: EncodedRows
    ) throws(TorchError) -> [[Float]] {
        let values: [Float] = try logits.values()
        var start = 0
        return rows.map { row in
            let count = kind.valueCount(of: row, in: data, outputs: outputCount)
            defer { start += count }
            return Array(values[start..<start + count])
        }
    }
}

extension HeadKind {
    /// The metric that stands for the task unless another is asked for.
    public var primaryMetric: Metric {
        switch self {
        case .classification: .accuracy
        case .multiLabel: .f1Micro
        case .regression: .pearson
        case .tagging: .entityF1
        case .imageText: .recallAt1
        case .causalLM, .seq2seq: .perplexity
        case .questionAnswering: .tokenF1
        case .multipleChoice: .accuracy
        }
    }

    /// How many numbers are told of a row.
    func valueCount(of row: Int, in data: EncodedRows, outputs: Int) -> Int {
        if writesText { return 1 }
        return (answersTokens ? data.length(row) : data.sequenceCount(row)) * outputs
    }

    /// Scores predictions of rows with labels.
    ///
    /// - Parameters:
    ///   - predictions: Logits in the order of the rows.
    ///   - data: The rows.
    ///   - labels: The names of the classes.
    /// - Returns: Every metric of the task.
    /// - Throws: ``MetricsError`` if there is nothing to score.
    public func metrics(
        _ predictions: Predictions,
        of data: EncodedRows,
        labels: [String]
    ) throws -> Metrics {
        var metrics: Metrics
        switch data.targets {
        case .classes(let classes):
            metrics = try classificationMetrics(
                predictions: predictions.logits.map(\.largestIndex),
                labels: classes.map(Int.init),
                names: labels
            )
        case .classLists(let lists):
            metrics = try multiLabelMetrics(
                predictions: predictions.logits.map(\.positiveIndices),
                labels: lists,
                names: labels
            )
        case .numbers(let numbers):
            metrics = try regressionMetrics(
                predictions: predictions.logits.map { Double($0[0]) },
                labels: numbers.map(Double.init)
            )
        case .tags:
            let rows = (0..<data.count).map {
                data.taggedWords($0, predictions.logits[$0], outputs: labels.count).compactMap(
                    \.self
                )
            }
            metrics = try taggingMetrics(
                predictions: rows.map { $0.map(\.predicted) },
                labels: rows.map { $0.map(\.label) },
                names: labels
            )
        case .pairs(let images):
            metrics = try retrievalMetrics(predictions.logits, images: images.map(Int.init))
        case .tokens(let tokens):
            metrics = try languageMetrics(predictions.logits.map { Double($0[0]) }, tokens)
        case .spans:
            guard let windows = data.windows else { throw MetricsError.noRows }
            metrics = try answerMetrics(
                windows.answers(predictions.logits).map(\.text),
                references: windows.references
            )
        case .choices(let choices):
            metrics = try choiceMetrics(
                predictions.logits.map(\.largestIndex),
                right: choices.map(Int.init)
            )
        case .none:
            throw MetricsError.noRows
        }
        metrics[.loss] = predictions.loss
        return metrics
    }
}

extension EncodedRows {
    /// Splits the rows into parts of about equal numbers of tokens, as many for each worker.
    ///
    /// Rows of like length are together, so that their attention is computed at once. No worker waits for another's last
    /// part.
    ///
    /// - Parameters:
    ///   - partLength: The tokens of a part, up to half a row more at either end.
    ///   - workers: How many parts are computed at once.
    /// - Returns: Parts of which none is empty.
    package func parts(partLength: Int, for workers: Workers) -> [[Int]] {
        let sorted = (0..<count).sorted { (length($0), $0) < (length($1), $1) }
        let wanted = workers.partCount(tokenCount, partLength: partLength)
        var parts: [[Int]] = []
        var done = 0
        for row in sorted {
            // A row belongs to the part in which its middle lies.
            let isBeyond = (done + length(row) / 2) * wanted >= tokenCount * parts.count
            if isBeyond && parts.count < wanted || parts.isEmpty { parts.append([]) }
            parts[parts.count - 1].append(row)
            done += length(row)
        }
        return parts
    }
}

/// What the logits say about a word.
struct TaggedWord {
    /// Where the logits of its first token start in those of the row.
    let start: Int
    let predicted: Int
    /// The right tag; -100 in rows without tags.
    let label: Int
}

extension EncodedRows {
    /// The words of a row; `nil` for one that was cut off, or has no token.
    func taggedWords(_ row: Int, _ logits: [Float], outputs: Int) -> [TaggedWord?] {
        let tags = tags(row)
        return wordStarts[row].map { token in
            guard token >= 0 else { return nil }
            let start = Int(token) * outputs
            return TaggedWord(
                start: start,
                predicted: logits[start..<start + outputs].largestIndex,
                label: tags.isEmpty ? -100 : Int(tags[tags.startIndex + Int(token)])
            )
        }
    }
}

extension RandomAccessCollection<Float> where Index == Int {
    /// The place of the largest value, the first of equals, counted from 0.
    var largestIndex: Int {
        let best = indices.reduce(startIndex) { self[$1] > self[$0] ? $1 : $0 }
        return best - startIndex
    }

    /// The places of the values above zero, counted from 0: classes more likely than not.
    var positiveIndices: [Int] { indices.filter { self[$0] > 0 }.map { $0 - startIndex } }
}

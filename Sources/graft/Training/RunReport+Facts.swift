internal import Foundation
internal import GraftAdapters
internal import GraftData
internal import GraftFormats
internal import GraftLayers
internal import GraftModels
internal import GraftTorch
internal import GraftTraining

// Facts that reports of every kind tell.

extension RunReport.Model {
    /// Describes a loaded model by its sizes and the hash of its weights.
    init(_ base: BaseModel, hash: String) {
        self.init(
            name: URL(filePath: base.path).lastPathComponent,
            family: base.shape.family,
            layers: base.shape.layerCount,
            hiddenSize: base.shape.hiddenSize,
            parameters: base.parameterCount,
            contentHash: hash
        )
    }
}

extension TrainingTask {
    /// The files that were read.
    var files: [RunReport.DataFile] {
        let learned = RunReport.DataFile(role: "train", path: train.path, rows: train.count)
        guard let evaluation else { return [learned] }
        return [
            learned, .init(role: "eval", path: evaluation.path, rows: evaluation.count),
        ]
    }

    /// The settings that the rows and the head have.
    var entries: [RunReport.Entry] {
        let rows: [RunReport.Entry] = [.init("longest row", maxLength)]
        guard head.kind != .seq2seq else {
            return rows + [.init("longest target", reading.targetLength)]
        }
        guard !head.kind.writesText else { return rows }
        let windows: [RunReport.Entry] =
            head.kind == .questionAnswering ? [.init("stride", reading.stride)] : []
        return rows + windows + [
            .init("head layers", head.layers), .init("head pooling", head.pooling.rawValue),
        ]
    }
}

extension TrainingOptions {
    /// The settings as reports list them.
    var entries: [RunReport.Entry] {
        let all: [RunReport.Entry] = [
            .init("epochs", epochs), .init("batch", batchSize), .init("accumulation", accumulation),
            .init("learning rate", learningRate), .init("schedule", schedule.rawValue),
            .init("warmup", warmup), .init("weight decay", optimizer.weightDecay),
            .init("largest gradient norm", maxGradientNorm),
            .init("label smoothing", labelSmoothing), .init("seed", seed),
            .init("workers", workers),
        ]
        let augmentation = augmentation.map { [RunReport.Entry("augment", $0.description)] } ?? []
        return all + augmentation + (patience.map { [.init("patience", $0)] } ?? [])
    }
}

extension TrainingRun {
    /// How many parameters there are, and where the trained ones sit.
    var parameters: RunReport.Parameters {
        let head = trainer.slices.filter { $0.name.hasPrefix("head.") }
            .reduce(0) { $0 + $1.range.count }
        let adapter = trainer.trainableCount - head
        return RunReport.Parameters(
            trainable: trainer.trainableCount,
            adapter: adapter,
            head: head,
            total: task.base.parameterCount + head + (method.trainsBase ? 0 : adapter)
                + trainer.frozen.values.reduce(0) { $0 + $1.count },
            sites: SiteParameters.all(of: trainer.slices, in: trainer.model.adapters)
                .map { .init(layer: $0.site.layer, path: $0.place, parameters: $0.parameters) }
        )
    }
}

extension ProcessFacts {
    /// What computed.
    static var versions: [RunReport.Entry] {
        [
            .init("graft", Graft.version), .init("libtorch", Torch.version),
            .init("swift", swiftVersion),
        ]
    }
}

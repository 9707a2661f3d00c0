internal import GraftFormats
public import GraftLayers
public import GraftModels
internal import GraftText
public import GraftTorch

/// Places images and texts in the common space of a CLIP model, with an adapter or without.
public struct ImageTextEncoder: Sendable {
    /// The model; the frozen one unless the adapter trained it.
    public let model: any ImageTextModel
    /// What acts in its towers.
    public let adapters: SiteAdapters
    private let base: BaseModel

    /// Takes a model.
    ///
    /// - Parameters:
    ///   - base: The frozen model.
    ///   - predictor: An adapter on it that was trained on pairs of images and texts; `nil` for none.
    /// - Throws: ``TrainingError`` if the model or the adapter is of another kind.
    public init(_ base: BaseModel, adapter predictor: Predictor? = nil) throws(TrainingError) {
        let frozen = try base.imageTextModel
        guard let predictor else {
            (model, adapters, self.base) = (frozen, SiteAdapters(), base)
            return
        }
        guard let model = predictor.model.pairModel else {
            throw .settings(
                "the adapter was trained for \(predictor.bundle.head.kind.rawValue), which has a head of its own"
                    + " (hint: one of --task image-text is wanted)"
            )
        }
        (self.model, adapters, self.base) = (model, predictor.model.adapters, base)
    }

    /// Places images.
    ///
    /// - Parameters:
    ///   - rows: Images.
    ///   - workers: How many parts are computed at once.
    /// - Returns: float32 [rows, `embeddingSize`], of any length.
    /// - Throws: `TorchError` if memory runs out.
    public func images(_ rows: EncodedRows, workers: Workers = Workers()) throws -> Tensor {
        let parts = rows.parts(partLength: Workers.partLength, for: workers)
        return try placed(parts, count: rows.count, workers) { part in
            guard let batch = try rows.batch(part, device: base.device) as? ImageBatch else {
                throw TrainingError.settings("these rows are no images")
            }
            return try model.embedding(of: batch, in: context(batch.layout))
        }
    }

    /// Places texts.
    ///
    /// - Parameters:
    ///   - texts: Any texts; what does not fit into the model's positions is cut.
    ///   - workers: How many parts are computed at once.
    /// - Returns: float32 [texts, `embeddingSize`], of any length.
    /// - Throws: `TorchError` if memory runs out.
    public func texts(_ texts: [String], workers: Workers = Workers()) throws -> Tensor {
        let encodings = try base.tokenizer.encodeBatch(
            texts.map { .text($0) },
            options: EncodingOptions(maxLength: base.shape.positions, tracksSource: false)
        )
        let parts = stride(from: 0, to: texts.count, by: 32).map {
            Array($0..<min($0 + 32, texts.count))
        }
        return try placed(parts, count: texts.count, workers) { part in
            let batch = try TokenBatch(
                rows: part.map { (encodings[$0].ids, encodings[$0].typeIDs) },
                device: base.device
            )
            return try model.embedding(of: batch, in: context(batch.layout))
        }
    }

    private func context(_ layout: RaggedLayout) -> ForwardContext {
        ForwardContext(layout: layout, adapters: adapters)
    }

    /// Computes places in parts and puts them in order.
    private func placed(
        _ parts: [[Int]],
        count: Int,
        _ workers: Workers,
        _ embed: @Sendable ([Int]) throws -> Tensor
    ) throws -> Tensor {
        let workers = base.device == .cpu ? workers : Workers(1)
        let places = try workers.map(parts.count) { index in
            try withoutGradients { () throws in
                try embed(parts[index]).moved(to: .cpu, dtype: .float32)
            }
        }
        var order = [Int64](repeating: 0, count: count)
        for (place, row) in parts.joined().enumerated() { order[row] = Int64(place) }
        return try Tensor.concatenated(places).selecting(Tensor(order))
    }
}

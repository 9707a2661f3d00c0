internal import GraftLayers
internal import GraftModels
internal import GraftTorch
internal import GraftTraining

/// Computes last hidden states of rows.
struct HiddenStates {
    let encoder: any Tower
    /// The width of its hidden states.
    let hiddenSize: Int
    let adapters: SiteAdapters
    let device: Device
    var workers = Workers()

    /// The states of each row as `last_hidden_state.<row>`: [tokens, hidden] each.
    func byRow(_ rows: EncodedRows) throws -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        for part in try parts(of: rows, wanted: .all, { $0.hidden }) {
            var start = 0
            for row in part.rows {
                let range = start..<start + rows.length(row)
                tensors["last_hidden_state.\(row)"] = try part.value.narrowed(range).contiguous()
                start = range.upperBound
            }
        }
        return tensors
    }

    /// One vector for each row.
    ///
    /// - Parameters:
    ///   - rows: The rows.
    ///   - pooling: How a row's states become one vector.
    ///   - normalize: Whether each vector has length 1.
    /// - Returns: float32 [rows, hidden]
    /// - Throws: `TorchError` if a row is longer than the model's positions.
    func pooled(
        _ rows: EncodedRows,
        _ pooling: Pooling,
        normalize: Bool
    ) throws -> Tensor {
        let width = hiddenSize
        var all = [Float](repeating: 0, count: rows.count * width)
        let parts = try parts(of: rows, wanted: pooling.wanted) { try $0.pooled(by: pooling) }
        for part in parts {
            let values: [Float] = try part.value.converted(to: .float32).values()
            for (index, row) in part.rows.enumerated() {
                let vector = values[index * width..<(index + 1) * width]
                let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
                let scale = normalize && length > 0 ? 1 / length : 1
                all.replaceSubrange(
                    row * width..<(row + 1) * width,
                    with: vector.map { $0 * scale }
                )
            }
        }
        return try Tensor(all, shape: [rows.count, width])
    }

    /// Computes a tensor for parts of the rows, on all workers.
    private func parts(
        of rows: EncodedRows,
        wanted: WantedTokens,
        _ read: @Sendable (EncoderOutput) throws -> Tensor
    ) throws -> [(rows: [Int], value: Tensor)] {
        let batches = rows.parts(partLength: Workers.partLength, for: workers)
        return try workers.map(batches.count) { index in
            try withoutGradients { () throws in
                let batch = try rows.batch(batches[index], device: device)
                let context = ForwardContext(layout: batch.layout, adapters: adapters)
                let output = try encoder(batch, in: context, wanted: wanted)
                return (batches[index], try read(output).moved(to: .cpu))
            }
        }
    }
}

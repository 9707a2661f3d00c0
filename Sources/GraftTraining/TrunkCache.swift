internal import GraftFormats
package import GraftLayers
package import GraftModels
internal import GraftTorch
internal import Synchronization

/// The hidden states of rows below everything that is trained, computed once and kept over epochs.
///
/// They are a pure function of the row (nothing is dropped in the trunk). Only where they come out
/// bit for bit alike in every batch is there a cache, so that a run with it and one without yield
/// the same adapter. What the memory does not hold goes to a file without a name, up to a quarter of
/// the disk's free space; what neither holds is computed again.
package final class TrunkCache: Sendable {
    /// Where a row's states are.
    private enum Place {
        case unknown
        case memory(Tensor)
        case file(offset: Int, shape: [Int], dtype: DType)
    }

    private struct Contents {
        var places: [Place]
        var memoryLeft: Int
        var file: ScratchFile?
        var fileEnd = 0
        var isFileUsable = true
        var computed = 0
    }

    private let model: AdaptedModel
    private let contents: Mutex<Contents>

    /// Creates an empty cache, or `nil` where it would not pay: a trunk of less than a block, rows
    /// that are seen once, no memory granted, or a device with memory of its own; and where a row's bits
    /// would depend on its batch: other types than float32, and processors without our products.
    ///
    /// - Parameters:
    ///   - model: The frozen model with what is trained.
    ///   - rows: The number of rows.
    ///   - passes: How often each row is computed.
    ///   - memory: The bytes to hold in memory.
    package init?(_ model: AdaptedModel, rows: Int, passes: Int, memory: Int) {
        guard model.trunkDepth > 0, passes > 1, memory > 0, model.device == .cpu, Torch.keepsRows,
            model.encoder.keepsRows, model.encoder.computesInFloat32
        else { return nil }
        self.model = model
        contents = Mutex(
            Contents(places: Array(repeating: .unknown, count: rows), memoryLeft: memory)
        )
    }

    /// The trunk's states of some rows, which are those of a batch in its order.
    ///
    /// - Parameters:
    ///   - rows: The rows.
    ///   - data: Where they are from.
    ///   - batch: The rows as a batch.
    /// - Returns: The states and how they lie.
    /// - Throws: `TorchError` as a forward pass, `FileError` if the file cannot be read.
    package func trunk(
        of rows: [Int],
        in data: EncodedRows,
        _ batch: any RaggedBatch
    ) throws -> Trunk {
        var states = try rows.map(states)
        let missing = rows.indices.filter { states[$0] == nil }
        if !missing.isEmpty {
            let isWhole = missing.count == rows.count
            let rest = try isWhole ? batch : data.batch(missing.map { rows[$0] })
            let context = ForwardContext(layout: rest.layout, adapters: model.adapters)
            let trunk = try model.encoder.trunk(rest, in: context, wanted: model.head.wanted)
            var sequence = 0
            for index in missing {
                let next = sequence + data.sequenceCount(rows[index])
                let (start, end) = (trunk.layout.offsets[sequence], trunk.layout.offsets[next])
                sequence = next
                // A copy of its own: a view would keep the whole batch alive.
                let row = try Tensor.concatenated([trunk.hidden.narrowed(Int(start)..<Int(end))])
                try keep(row, of: rows[index])
                states[index] = row
            }
            contents.withLock { $0.computed += missing.count }
            if isWhole { return trunk }
        }
        let hidden = try Tensor.concatenated(states.compactMap(\.self))
        let isWhole = hidden.size(0) == batch.layout.tokenCount
        let kept = try isWhole ? nil : batch.layout.keeping(model.head.wanted)
        return Trunk(hidden: hidden, layout: kept?.layout ?? batch.layout)
    }

    /// How many rows' states were computed so far.
    package var computedCount: Int { contents.withLock(\.computed) }

    /// How many rows' states lie in the file.
    package var fileCount: Int {
        contents.withLock { contents in
            contents.places.count { if case .file = $0 { true } else { false } }
        }
    }

    /// The states of one row, if they are known: [tokens, hidden].
    private func states(of row: Int) throws -> Tensor? {
        let (place, file) = contents.withLock { ($0.places[row], $0.file) }
        switch (place, file) {
        case (.memory(let states), _): return states
        case (.file(let offset, let shape, let dtype), let file?):
            let bytes = try file.read(shape.reduce(dtype.byteCount, *), at: offset)
            return try Tensor(copying: bytes, dtype: dtype, shape: shape)
        case (.file, nil), (.unknown, _): return nil
        }
    }

    private func keep(_ states: Tensor, of row: Int) throws {
        let dtype = try states.dtype
        let byteCount = states.count * dtype.byteCount
        let room: (file: ScratchFile, offset: Int)? = contents.withLock { contents in
            guard case .unknown = contents.places[row] else { return nil }
            if contents.memoryLeft >= byteCount {
                contents.memoryLeft -= byteCount
                contents.places[row] = .memory(states)
                return nil
            }
            guard contents.isFileUsable else { return nil }
            if contents.file == nil { contents.file = try? ScratchFile() }
            guard let file = contents.file, contents.fileEnd + byteCount <= file.capacity else {
                contents.isFileUsable = false
                return nil
            }
            defer { contents.fileEnd += byteCount }
            return (file, contents.fileEnd)
        }
        guard let room else { return }
        do {
            try room.file.write(states.bytes(), at: room.offset)
            contents.withLock {
                $0.places[row] = .file(offset: room.offset, shape: states.shape, dtype: dtype)
            }
        } catch is FileError {
            // The row is computed again in the next epoch: slower, not wrong.
            contents.withLock { $0.isFileUsable = false }
        }
    }
}

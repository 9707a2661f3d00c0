internal import CGraftTorch

/// Rows of a matrix that are written in place, outside any gradient: memory of a generating model.
///
/// Whoever holds ``tensor`` sees what is written later.
public final class RowBuffer: @unchecked Sendable {
    /// All rows: [rows, width].
    public let tensor: Tensor

    /// Makes room for rows like those of a matrix; what they hold at first is zero.
    public init(rows: Int, like matrix: Tensor) throws(TorchError) {
        tensor = try Tensor(
            zeros: [rows, matrix.size(1)],
            dtype: matrix.dtype,
            device: matrix.device
        )
    }

    private init(_ tensor: Tensor) { self.tensor = tensor }

    /// Overwrites the rows at `places` with those of `values`, [places, width].
    public func write(_ values: Tensor, at places: [Int64]) throws(TorchError) {
        let indices = try Tensor(places).moved(to: tensor.device)
        let status = tensor.withRaw { rows in
            indices.withRaw { index in values.withRaw { gt_tensor_write_rows(rows, index, $0) } }
        }
        try check(status, "write_rows", [tensor, values])
    }

    /// A buffer with copies of the rows at `places`.
    public func selecting(_ places: [Int64]) throws(TorchError) -> RowBuffer {
        RowBuffer(try tensor.selecting(Tensor(places).moved(to: tensor.device)).detached())
    }

    /// A buffer of another size with some of the rows at other places.
    public func moved(
        _ old: [Int64],
        to new: [Int64],
        rows: Int
    ) throws(TorchError) -> RowBuffer {
        let buffer = try RowBuffer(rows: rows, like: tensor)
        try buffer.write(selecting(old).tensor, at: new)
        return buffer
    }
}

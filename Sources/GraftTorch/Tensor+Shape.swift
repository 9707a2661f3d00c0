internal import CGraftTorch

extension Tensor {
    /// The same elements in another shape; one size may be -1 and is worked out.
    public func reshaped(_ shape: Int...) throws(TorchError) -> Tensor {
        try reshaped(shape)
    }

    /// The same elements in another shape; one size may be -1 and is worked out.
    public func reshaped(_ shape: [Int]) throws(TorchError) -> Tensor {
        let sizes = shape.map(Int64.init)
        return try Tensor.call("reshape", on: [self]) { out in
            withRaw { unsafe gt_reshape($0, sizes, Int32(sizes.count), &out) }
        }
    }

    /// A view with two dimensions exchanged.
    public func transposed(_ first: Int, _ second: Int) throws(TorchError) -> Tensor {
        try Tensor.call("transpose", on: [self]) { out in
            withRaw { gt_transpose($0, Int64(first), Int64(second), &out) }
        }
    }

    /// The elements in row-major memory; this tensor itself if they are already.
    public func contiguous() throws(TorchError) -> Tensor { try unary("contiguous", .contiguous) }

    /// A view of the indices `range` of one dimension.
    public func narrowed(
        _ range: Range<Int>,
        along dimension: Int = 0
    ) throws(TorchError) -> Tensor {
        try Tensor.call("narrow", on: [self]) { out in
            withRaw {
                gt_narrow(
                    $0,
                    Int64(dimension),
                    Int64(range.lowerBound),
                    Int64(range.count),
                    &out
                )
            }
        }
    }

    /// Copies of the entries that `indices` (int64 [n]) names along one dimension, in that order.
    public func selecting(
        _ indices: Tensor,
        along dimension: Int = 0
    ) throws(TorchError) -> Tensor {
        try Tensor.call("index_select", on: [self, indices]) { out in
            withRaw { a in
                indices.withRaw { gt_index_select(a, Int64(dimension), $0, &out) }
            }
        }
    }

    /// `rows` rows of zeros to which row `i` of this tensor is added at row `indices[i]`.
    public func scatterAdded(to indices: Tensor, rows: Int) throws(TorchError) -> Tensor {
        try Tensor.call("index_add", on: [self, indices]) { out in
            withRaw { a in
                indices.withRaw { gt_index_add(a, $0, Int64(rows), &out) }
            }
        }
    }

    /// The tensors joined along a dimension.
    public static func concatenated(
        _ tensors: [Tensor],
        along dimension: Int = 0
    ) throws(TorchError) -> Tensor {
        try call("cat", on: tensors) { out in
            unsafe withRaw(tensors) { unsafe gt_cat($0, $1, Int64(dimension), &out) }
        }
    }
}

internal import CGraftTorch

extension Tensor {
    /// The square root of each element; NaN for negative ones.
    public func squareRoot() throws(TorchError) -> Tensor {
        try Tensor.call("sqrt", on: [self]) { out in withRaw { gt_sqrt($0, &out) } }
    }

    /// Factors this matrix [m, n] into `left · diag(values) · right`.
    ///
    /// - Returns: With k the smaller of m and n, orthonormal columns [m, k], the singular values
    ///   from the largest to the smallest [k], and orthonormal rows [k, n].
    /// - Throws: ``TorchError`` of kind `invalidArgument` if this is no matrix or an element is not
    ///   finite.
    public func singularValueDecomposition() throws(TorchError) -> (
        left: Tensor, values: Tensor, right: Tensor
    ) {
        var values = unsafe gt_tensor(impl: nil)
        var right = unsafe gt_tensor(impl: nil)
        let left = try Tensor.call("svd", on: [self]) { out in
            withRaw { gt_svd($0, &out, &values, &right) }
        }
        return (left, Tensor(owning: values), Tensor(owning: right))
    }
}

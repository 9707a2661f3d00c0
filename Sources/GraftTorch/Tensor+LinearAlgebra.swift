internal import CGraftTorch

extension Tensor {
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

    /// The orthonormal rows [k, n] that this matrix [k, n], k ≤ n, stands for.
    ///
    /// Row `j` holds behind its diagonal element the vector of a Householder reflection; the rows are
    /// the first ones of the reflections' product, negated where the diagonal element is negative.
    /// What lies before the diagonal means nothing, and only signs of the diagonal do. Every
    /// orthonormal matrix has such a form.
    ///
    /// As `torch.nn.utils.parametrizations.orthogonal` computes it with `orthogonal_map="householder"`
    /// and `use_trivialization=False`, whose diagonal is ±1.
    ///
    /// - Throws: ``TorchError`` of kind `invalidArgument` if there are more rows than columns.
    public func householderRows() throws(TorchError) -> Tensor {
        try Tensor.call("householder", on: [self]) { out in
            withRaw { gt_householder_rows($0, &out) }
        }
    }
}

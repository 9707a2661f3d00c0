internal import CGraftTorch

extension Torch {
    /// Floats in a vector register of the kernels that were chosen for this processor: 16 with
    /// AVX-512, 8 with AVX2, else 4.
    public static var vectorLanes: Int { Int(gt_vector_lanes()) }
}

extension Tensor {
    /// Reads memory of this tensor and does nothing else: what any pass over as many bytes costs at
    /// least.
    ///
    /// - Parameter words: Which 64-bit words of its elements, which are contiguous, on the CPU.
    /// - Returns: The exclusive-or of the words, without which nobody would need to read them.
    /// - Throws: ``TorchError`` of kind `invalidArgument` if the tensor has no such words.
    public func foldedWords(_ words: Range<Int>) throws(TorchError) -> UInt64 {
        var fold: UInt64 = 0
        let status = withRaw {
            gt_fold_words($0, Int64(words.lowerBound), Int64(words.count), &fold)
        }
        try check(status, "fold_words", [self])
        return fold
    }
}

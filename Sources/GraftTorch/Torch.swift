internal import CGraftTorch

/// What is true of libtorch as this process loaded it.
public enum Torch {
    /// The version of the loaded libtorch, such as `2.13.0`.
    public static let version = release(gt_torch_version())

    /// Confirms that the loaded libtorch is the one that this program was compiled with.
    ///
    /// Other versions may load and compute nonsense: C++ types changed under the same names.
    ///
    /// - Throws: ``TorchError`` that names both versions.
    public static func checkVersion() throws(TorchError) {
        let compiled = release(gt_header_version())
        guard version == compiled else {
            throw TorchError(
                kind: .internal,
                operation: "start",
                message:
                    "libtorch \(version) was loaded, but this program was compiled with \(compiled)"
                    + " (hint: run `make setup`, then build again)"
            )
        }
    }

    /// The number of threads that one operation of this thread may use.
    public static var threads: Int {
        get { Int(gt_get_num_threads()) }
        set { gt_set_num_threads(Int32(newValue)) }
    }

    /// Whether float32 products on the CPU give a row the same bits in every batch.
    ///
    /// Graft's own kernels do; the libraries that libtorch uses elsewhere do not.
    public static var keepsRows: Bool { gt_products_keep_rows() }

    /// The bytes of tensors on the CPU that are in use, small ones left out.
    package static var memoryInUse: Int { Int(gt_memory_in_use()) }

    /// Gives freed memory back to the system: worth it where a phase with large tensors ends.
    public static func trimMemory() { gt_trim_memory() }

    private static func release(_ code: UInt64) -> String {
        [56, 48, 40].map { String(code >> $0 & 0xff) }.joined(separator: ".")
    }
}

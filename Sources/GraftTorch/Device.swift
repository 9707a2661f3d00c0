internal import CGraftTorch

/// Where a tensor lives and its operations run.
public enum Device: Sendable, Hashable {
    case cpu
    /// A CUDA device by its ordinal.
    case cuda(Int)

    /// Whether this process can compute on CUDA devices.
    ///
    /// Loads libtorch's CUDA half on first use; a CPU build of libtorch and a machine without a
    /// device both answer `false`.
    public static var isCUDAAvailable: Bool { gt_cuda_is_available() }

    /// Reads `cpu`, `cuda` or `cuda:1`; `nil` for anything else.
    public init?(_ name: String) {
        switch name {
        case "cpu": self = .cpu
        case "cuda": self = .cuda(0)
        default:
            guard name.hasPrefix("cuda:"), let index = Int(name.dropFirst(5)), index >= 0 else {
                return nil
            }
            self = .cuda(index)
        }
    }

    var code: gt_device {
        switch self {
        case .cpu: gt_device(index: -1)
        case .cuda(let index): gt_device(index: Int32(index))
        }
    }

    init(code: gt_device) {
        self = code.index < 0 ? .cpu : .cuda(Int(code.index))
    }
}

extension Device: CustomStringConvertible {
    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        }
    }
}

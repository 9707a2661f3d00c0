public import GraftTorch

/// A non-linearity by the name that configurations use.
///
/// The names are those of `transformers.activations.ACT2FN`, and `leakyrelu` as `adapters` adds it.
public enum Activation: String, Sendable, Hashable, Codable, CaseIterable {
    case gelu
    case geluNew = "gelu_new"
    case geluFast = "gelu_fast"
    case geluPython = "gelu_python"
    case geluAccurate = "gelu_accurate"
    case geluTanh = "gelu_pytorch_tanh"
    case quickGELU = "quick_gelu"
    case relu
    case relu2
    case relu6
    case silu
    case swish
    case tanh
    case sigmoid
    case leakyReLU = "leakyrelu"
    case mish
    case linear

    /// Whether rows of a width get the same bits wherever they lie in a tensor.
    ///
    /// Some of libtorch's functions compute what is left over at a tensor's end in another way.
    public func keepsRows(width: Int) -> Bool {
        switch self {
        case .gelu, .geluPython, .relu, .relu2, .relu6, .leakyReLU, .linear: true
        default: width % 32 == 0
        }
    }

    /// Applies the function to every element.
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        switch self {
        case .gelu, .geluPython: try x.gelu()
        case .geluNew, .geluFast, .geluAccurate, .geluTanh: try x.geluTanh()
        case .quickGELU: try x * (x * 1.702).sigmoid()
        case .relu: try x.relu()
        case .relu2: try x.relu().squared()
        case .relu6: try x.clamped(to: 0...6)
        case .silu, .swish: try x.silu()
        case .tanh: try x.tanh()
        case .sigmoid: try x.sigmoid()
        case .leakyReLU: try x.leakyReLU()
        case .mish: try x.mish()
        case .linear: x
        }
    }
}

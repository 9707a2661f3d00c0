internal import CGraftTorch

/// The element type of a tensor.
public enum DType: String, Sendable, Hashable, CaseIterable, Codable {
    case float32, bfloat16, float16, float64
    case int64, int32, int8, uint8
    case bool

    /// Bytes of one element.
    public var byteCount: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .bfloat16, .float16: 2
        case .int8, .uint8, .bool: 1
        }
    }

    var code: gt_dtype {
        switch self {
        case .float32: .float32
        case .bfloat16: .bfloat16
        case .float16: .float16
        case .float64: .float64
        case .int64: .int64
        case .int32: .int32
        case .int8: .int8
        case .uint8: .uint8
        case .bool: .bool
        }
    }

    init(code: gt_dtype) {
        switch code {
        case .float32: self = .float32
        case .bfloat16: self = .bfloat16
        case .float16: self = .float16
        case .float64: self = .float64
        case .int64: self = .int64
        case .int32: self = .int32
        case .int8: self = .int8
        case .uint8: self = .uint8
        case .bool: self = .bool
        }
    }
}

/// A Swift type whose values can be copied into and out of tensors.
public protocol TensorElement: BitwiseCopyable, Sendable {
    /// The element type of a tensor of these.
    static var dtype: DType { get }
}

extension Float: TensorElement {
    public static var dtype: DType { .float32 }
}

extension Double: TensorElement {
    public static var dtype: DType { .float64 }
}

extension Int64: TensorElement {
    public static var dtype: DType { .int64 }
}

extension Int32: TensorElement {
    public static var dtype: DType { .int32 }
}

extension Int8: TensorElement {
    public static var dtype: DType { .int8 }
}

extension UInt8: TensorElement {
    public static var dtype: DType { .uint8 }
}

extension Bool: TensorElement {
    public static var dtype: DType { .bool }
}

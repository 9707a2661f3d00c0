/// The type of the elements of a stored tensor, under the names of the safetensors format.
///
/// The cases stand in the order of the reference implementation, which sorts the tensors of a file
/// by it (backwards) so that larger elements come first and every tensor is aligned.
public enum ElementType: String, CaseIterable, Sendable, Codable {
    case bool = "BOOL"
    case uint8 = "U8"
    case int8 = "I8"
    case float8e5m2 = "F8_E5M2"
    case float8e4m3 = "F8_E4M3"
    case int16 = "I16"
    case uint16 = "U16"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int32 = "I32"
    case uint32 = "U32"
    case float32 = "F32"
    case float64 = "F64"
    case int64 = "I64"
    case uint64 = "U64"

    /// The size of one element, in bytes; it is also the alignment that reading in place needs.
    public var byteCount: Int {
        switch self {
        case .bool, .uint8, .int8, .float8e5m2, .float8e4m3: 1
        case .int16, .uint16, .float16, .bfloat16: 2
        case .int32, .uint32, .float32: 4
        case .float64, .int64, .uint64: 8
        }
    }

    /// Whether elements are numbers with fractions.
    var isFloatingPoint: Bool {
        switch self {
        case .float8e5m2, .float8e4m3, .float16, .bfloat16, .float32, .float64: true
        case .bool, .uint8, .int8, .int16, .uint16, .int32, .uint32, .int64, .uint64: false
        }
    }

    /// The position in the reference's order.
    var rank: Int {
        ElementType.allCases.firstIndex(of: self) ?? 0
    }

    /// Returns the size of a tensor of this type, or `nil` if a dimension is negative or the size
    /// overflows.
    ///
    /// The product of the dimensions that are not zero must fit as well, since strides are computed
    /// from it.
    func byteCount(ofShape shape: [Int]) -> Int? {
        var size = byteCount
        for dimension in shape where dimension != 0 {
            let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
            guard dimension > 0, !overflow else { return nil }
            size = product
        }
        return shape.contains(0) ? 0 : size
    }
}

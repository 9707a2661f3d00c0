internal import CGraftTorch

/// A failure reported by libtorch, with what the caller was doing.
///
/// ```
/// matmul(float32[2, 3], float32[2, 3]): mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)
/// ```
public struct TorchError: Error, Sendable, Hashable {
    /// What a caller can act on.
    public enum Kind: Sendable, Hashable {
        /// The device or the process has no memory left; a smaller batch may pass.
        case outOfMemory
        /// Shapes, element types or values that the operation does not take.
        case invalidArgument
        /// libtorch has no kernel for this combination of operation, element type and device.
        case notImplemented
        /// Anything else; the message is all that is known.
        case `internal`
    }

    /// What a caller can act on.
    public let kind: Kind
    /// The operation in libtorch's words.
    public let operation: String
    /// libtorch's message, without its backtrace.
    public let message: String
    /// Element type and shape of each operand.
    public let operands: [String]

    /// Creates an error that Graft itself found.
    public init(kind: Kind, operation: String, message: String, operands: [String] = []) {
        self.kind = kind
        self.operation = operation
        self.message = message
        self.operands = operands
    }

    /// Reads the last error of this thread after `status` was returned.
    init(status: gt_status, operation: String, operands: [String]) {
        let message = unsafe String(cString: gt_last_error())
        self.init(
            kind: Kind(status: status),
            operation: operation,
            message: message.split(separator: "\n").first.map(String.init) ?? message,
            operands: operands
        )
    }
}

extension TorchError.Kind {
    fileprivate init(status: gt_status) {
        switch Int(status) {
        case Int(GT_OUT_OF_MEMORY): self = .outOfMemory
        case Int(GT_INVALID_ARGUMENT): self = .invalidArgument
        case Int(GT_NOT_IMPLEMENTED): self = .notImplemented
        default: self = .internal
        }
    }
}

extension TorchError: CustomStringConvertible {
    public var description: String {
        "\(operation)(\(operands.joined(separator: ", "))): \(message)"
    }
}

/// Throws what libtorch reported if `status` says that the call failed.
@inline(__always)
func check(
    _ status: gt_status,
    _ operation: StaticString,
    _ operands: @autoclosure () -> [Tensor] = []
) throws(TorchError) {
    guard status == GT_OK else {
        throw TorchError(
            status: status,
            operation: operation.description,
            operands: operands().map(\.summary)
        )
    }
}

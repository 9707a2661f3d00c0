internal import CGraftTorch

extension Tensor {
    /// Copies Swift values into a new tensor on the CPU.
    ///
    /// - Parameters:
    ///   - values: The elements in row-major order; as many as `shape` has.
    ///   - shape: The sizes of the dimensions.
    /// - Throws: ``TorchError`` of kind `invalidArgument` if the count does not fit the shape.
    public init<Element: TensorElement>(_ values: [Element], shape: [Int]) throws(TorchError) {
        guard values.count == shape.reduce(1, *) else {
            throw TorchError(
                kind: .invalidArgument,
                operation: "tensor",
                message: "\(values.count) values do not fill the shape \(shape)"
            )
        }
        let result = unsafe values.withUnsafeBytes { bytes in
            Result { () throws(TorchError) in
                try unsafe Tensor(copying: bytes, dtype: Element.dtype, shape: shape)
            }
        }
        self = try result.get()
    }

    /// Copies Swift values into a new one-dimensional tensor on the CPU.
    public init<Element: TensorElement>(_ values: [Element]) throws(TorchError) {
        try self.init(values, shape: [values.count])
    }

    /// The identity matrix [size, size], or one with another value beside the diagonal.
    public init(identity size: Int, beside: Float = 0) throws(TorchError) {
        var values = [Float](repeating: beside, count: size * size)
        for index in 0..<size { values[index * size + index] = 1 }
        try self.init(values, shape: [size, size])
    }

    /// Copies raw bytes into a new tensor on the CPU.
    ///
    /// - Throws: ``TorchError`` of kind `invalidArgument` if the byte count does not fit.
    public init(
        copying bytes: UnsafeRawBufferPointer,
        dtype: DType,
        shape: [Int]
    ) throws(TorchError) {
        try Tensor.checkBytes(bytes.count, dtype, shape)
        let sizes = shape.map(Int64.init)
        var placeholder: UInt8 = 0
        self = try Tensor.call("tensor") { out in
            unsafe withUnsafePointer(to: &placeholder) { nothing in
                unsafe gt_tensor_from_data(
                    bytes.baseAddress ?? UnsafeRawPointer(nothing),
                    dtype.code,
                    sizes,
                    Int32(sizes.count),
                    &out
                )
            }
        }
    }

    /// Copies an array of bytes, such as ``bytes()`` gives, into a new tensor on the CPU.
    ///
    /// - Throws: ``TorchError`` of kind `invalidArgument` if the byte count does not fit.
    public init(copying bytes: [UInt8], dtype: DType, shape: [Int]) throws(TorchError) {
        let result = unsafe bytes.withUnsafeBytes { bytes in
            Result { () throws(TorchError) in
                try unsafe Tensor(copying: bytes, dtype: dtype, shape: shape)
            }
        }
        self = try result.get()
    }

    /// Views memory that `owner` keeps alive, without copying it; the memory is never written.
    ///
    /// - Parameters:
    ///   - bytes: Row-major elements, aligned for `dtype`.
    ///   - dtype: Their type.
    ///   - shape: How many there are along each dimension.
    ///   - owner: Released when the last tensor over the memory is gone.
    /// - Throws: ``TorchError`` of kind `invalidArgument` if the byte count does not fit.
    public init(
        viewing bytes: UnsafeRawBufferPointer,
        dtype: DType,
        shape: [Int],
        owner: some AnyObject & Sendable
    ) throws(TorchError) {
        try Tensor.checkBytes(bytes.count, dtype, shape)
        guard let start = bytes.baseAddress, bytes.count > 0 else {
            self = try Tensor(zeros: shape, dtype: dtype)
            return
        }
        let sizes = shape.map(Int64.init)
        let retained = unsafe Unmanaged.passRetained(owner)
        do {
            self = try Tensor.call("tensor") { out in
                unsafe gt_tensor_from_mapped(
                    start,
                    dtype.code,
                    sizes,
                    Int32(sizes.count),
                    retained.toOpaque(),
                    { unsafe Unmanaged<AnyObject>.fromOpaque($0).release() },
                    &out
                )
            }
        } catch {
            unsafe retained.release()
            throw error
        }
    }

    /// A tensor filled with one value.
    public init(
        repeating value: Double,
        shape: [Int],
        dtype: DType = .float32,
        device: Device = .cpu
    ) throws(TorchError) {
        let sizes = shape.map(Int64.init)
        self = try Tensor.call("full") { out in
            unsafe gt_full(sizes, Int32(sizes.count), value, dtype.code, device.code, &out)
        }
    }

    /// A tensor of zeros.
    public init(
        zeros shape: [Int],
        dtype: DType = .float32,
        device: Device = .cpu
    ) throws(TorchError) {
        try self.init(repeating: 0, shape: shape, dtype: dtype, device: device)
    }

    /// Copies the elements to Swift, in row-major order, converting the element type if needed.
    public func values<Element: TensorElement>(
        as type: Element.Type = Element.self
    ) throws(TorchError) -> [Element] {
        let source = try converted(to: Element.dtype)
        var status: gt_status = 0
        let total = count
        let values = unsafe [Element](unsafeUninitializedCapacity: total) { buffer, filled in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            status = unsafe source.copy(to: bytes)
            filled = status == GT_OK ? total : 0
        }
        try check(status, "values", [self])
        return values
    }

    /// The only element of a tensor that has one.
    public func item() throws(TorchError) -> Double {
        let all: [Double] = try values()
        guard all.count == 1, let first = all.first else {
            throw TorchError(
                kind: .invalidArgument,
                operation: "item",
                message: "the tensor has \(all.count) elements",
                operands: [summary]
            )
        }
        return first
    }

    /// Copies the elements' bytes, in row-major order and this tensor's element type.
    public func bytes() throws(TorchError) -> [UInt8] {
        let total = count * (try dtype.byteCount)
        var status: gt_status = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: total) { buffer, filled in
            status = unsafe copy(to: UnsafeMutableRawBufferPointer(buffer))
            filled = status == GT_OK ? total : 0
        }
        try check(status, "bytes", [self])
        return bytes
    }

    private func copy(to buffer: UnsafeMutableRawBufferPointer) -> gt_status {
        var placeholder: UInt8 = 0
        return unsafe withUnsafeMutablePointer(to: &placeholder) { nothing in
            let target = unsafe buffer.baseAddress ?? UnsafeMutableRawPointer(nothing)
            return withRaw { unsafe gt_tensor_copy_to_host($0, target, buffer.count) }
        }
    }

    /// This tensor with another element type; itself if it has it already.
    public func converted(to dtype: DType) throws(TorchError) -> Tensor {
        try moved(to: device, dtype: dtype)
    }

    /// This tensor on another device and, if given, with another element type.
    public func moved(to device: Device, dtype: DType? = nil) throws(TorchError) -> Tensor {
        let current = try self.dtype
        let target = dtype ?? current
        if target == current, device == self.device { return self }
        return try Tensor.call("to", on: [self]) { out in
            withRaw { gt_to($0, target.code, device.code, &out) }
        }
    }

    private static func checkBytes(
        _ found: Int,
        _ dtype: DType,
        _ shape: [Int]
    ) throws(TorchError) {
        let expected = shape.reduce(dtype.byteCount, *)
        guard found == expected else {
            throw TorchError(
                kind: .invalidArgument,
                operation: "tensor",
                message: "\(dtype.rawValue)\(shape) takes \(expected) bytes, found \(found)"
            )
        }
    }
}

extension Tensor {
    /// Whether all elements are finite.
    package var isFinite: Bool {
        // Zero times anything else is no zero.
        get throws(TorchError) { try (self * 0).converted(to: .float32).sum().item() == 0 }
    }
}

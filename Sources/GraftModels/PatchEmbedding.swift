internal import GraftLayers
internal import GraftTorch

/// Cuts images into square patches and projects each to a token.
///
/// The reference convolves with a stride of the patch's side, which is a product of each patch's values, in the
/// order of channels, rows and columns, with the flattened kernel.
struct PatchEmbedding: Sendable {
    private let kernel: Tensor  // [hidden, channels, side, side]
    private let bias: Tensor?
    private let grid: PatchGrid

    init(_ grid: PatchGrid, hidden: Int, bias: Bool = true, _ scope: ParameterScope) throws {
        let shape = [hidden, grid.channels, grid.side, grid.side]
        kernel = try scope.parameter("weight", shape: shape)
        self.bias = bias ? try scope.parameter("bias", shape: [hidden]) : nil
        self.grid = grid
    }

    // pixels: [rows, channels, height, width] -> [rows, patches, hidden]
    func callAsFunction(_ pixels: Tensor) throws(TorchError) -> Tensor {
        let (side, across) = (grid.side, grid.across)
        guard pixels.shape.dropFirst().elementsEqual([grid.channels, grid.size, grid.size]) else {
            throw TorchError(
                kind: .invalidArgument,
                operation: "patches",
                message: "the images are \(pixels.shape.dropFirst()), the model reads"
                    + " \([grid.channels, grid.size, grid.size])"
            )
        }
        let rows = pixels.size(0)
        let values = grid.channels * side * side
        let patches =
            try pixels
            .reshaped(rows, grid.channels, across, side, across, side)
            .transposed(1, 2)  // [rows, down, channels, y, across, x]
            .transposed(2, 4)  // [rows, down, across, y, channels, x]
            .transposed(3, 4)  // [rows, down, across, channels, y, x]
            .reshaped(rows * grid.count, values)
        let weight = try kernel.reshaped(kernel.size(0), values)
        return try patches.converted(to: weight.dtype).linear(weight, bias: bias)
            .reshaped(rows, grid.count, weight.size(0))
    }
}

/// How a square image is cut into patches.
struct PatchGrid: Sendable {
    /// The side of the image, in pixels.
    let size: Int
    /// The side of a patch, in pixels.
    let side: Int
    /// The channels of a pixel.
    let channels: Int

    /// Patches in a row.
    var across: Int { size / side }
    /// Patches of an image.
    var count: Int { across * across }
}

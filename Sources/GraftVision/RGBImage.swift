/// A picture with 8 bits each of red, green and blue.
public struct RGBImage: Sendable, Hashable {
    /// Pixels in a row.
    public let width: Int
    /// Rows.
    public let height: Int
    /// Red, green and blue of every pixel, row by row from the top: [height, width, 3].
    public let pixels: [UInt8]

    /// Wraps pixels.
    ///
    /// - Parameters:
    ///   - width: Pixels in a row, at least 1.
    ///   - height: Rows, at least 1.
    ///   - pixels: [height, width, 3]
    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0 && pixels.count == 3 * width * height)
        (self.width, self.height, self.pixels) = (width, height, pixels)
    }

    /// A picture of one channel, whose three are equal: [height, width].
    public init(width: Int, height: Int, grey: some Collection<UInt8>) {
        var pixels: [UInt8] = []
        pixels.reserveCapacity(3 * width * height)
        for value in grey {
            pixels.append(value)
            pixels.append(value)
            pixels.append(value)
        }
        self.init(width: width, height: height, pixels: pixels)
    }
}

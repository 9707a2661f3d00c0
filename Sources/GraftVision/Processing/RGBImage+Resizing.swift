extension RGBImage {
    /// Returns this picture in another size, bit for bit as Pillow's `Image.resize` makes it.
    ///
    /// The filter is stretched when the picture shrinks (antialiasing). Rows and columns are resized one
    /// after the other, each rounded to bytes, with weights of 22 binary places. Reference: Pillow 13.0,
    /// `src/libImaging/Resample.c`, and `Geometry.c` for `nearest`. Earlier Pillows always begin with the
    /// rows, which in tall pictures gives other last bits.
    ///
    /// - Parameters:
    ///   - width: The new width, at least 1.
    ///   - height: The new height, at least 1.
    ///   - filter: How pixels are mixed.
    /// - Returns: The picture in its new size.
    public func resized(width: Int, height: Int, _ filter: ResamplingFilter) -> RGBImage {
        precondition(width > 0 && height > 0, "\(width) x \(height)")
        if (width, height) == (self.width, self.height) { return self }
        if filter == .nearest { return picked(width: width, height: height) }
        // Where the height shrinks much more than the width, columns first leave less to do.
        let shrinkage = (width: self.width - width, height: self.height - height)
        if shrinkage.height > 0, shrinkage.height > 2 * shrinkage.width {
            return resizedColumns(to: height, filter).resizedRows(to: width, filter)
        }
        return resizedRows(to: width, filter).resizedColumns(to: height, filter)
    }

    private func resizedRows(to newWidth: Int, _ filter: ResamplingFilter) -> RGBImage {
        guard newWidth != width else { return self }
        let weights = ResamplingWeights(filter, from: width, to: newWidth)
        var result = [UInt8](repeating: 0, count: 3 * newWidth * height)
        let source = pixels.span
        var target = result.mutableSpan
        let values = weights.values.span
        for y in 0..<height {
            let row = 3 * y * width
            for x in 0..<newWidth {
                var (red, green, blue) = (Self.half, Self.half, Self.half)
                var pixel = row + 3 * weights.starts[x]
                let first = x * weights.stride
                for index in first..<first + weights.counts[x] {
                    let weight = values[index]
                    red &+= Int32(source[pixel]) &* weight
                    green &+= Int32(source[pixel + 1]) &* weight
                    blue &+= Int32(source[pixel + 2]) &* weight
                    pixel += 3
                }
                let place = 3 * (y * newWidth + x)
                target[place] = Self.byte(red)
                target[place + 1] = Self.byte(green)
                target[place + 2] = Self.byte(blue)
            }
        }
        return RGBImage(width: newWidth, height: height, pixels: result)
    }

    private func resizedColumns(to newHeight: Int, _ filter: ResamplingFilter) -> RGBImage {
        guard newHeight != height else { return self }
        let weights = ResamplingWeights(filter, from: height, to: newHeight)
        let rowLength = 3 * width
        var result: [UInt8] = []
        result.reserveCapacity(rowLength * newHeight)
        var sums = [Int32](repeating: 0, count: rowLength)
        for y in 0..<newHeight {
            for index in 0..<rowLength { sums[index] = Self.half }
            for offset in 0..<weights.counts[y] {
                let weight = weights.values[y * weights.stride + offset]
                let row = rowLength * (weights.starts[y] + offset)
                for index in 0..<rowLength { sums[index] &+= Int32(pixels[row + index]) &* weight }
            }
            for sum in sums { result.append(Self.byte(sum)) }
        }
        return RGBImage(width: width, height: newHeight, pixels: result)
    }

    /// Half of the last place that is kept: what rounds a fixed-point sum.
    private static let half: Int32 = 1 << (ResamplingWeights.precision - 1)

    private static func byte(_ sum: Int32) -> UInt8 {
        UInt8(clamping: sum >> Int32(ResamplingWeights.precision))
    }

    /// Takes for each new pixel the one at its centre; positions are added up step by step, as Pillow does.
    private func picked(width newWidth: Int, height newHeight: Int) -> RGBImage {
        func positions(_ size: Int, _ newSize: Int) -> [Int] {
            let step = Double(size) / Double(newSize)
            var position = step * 0.5
            return (0..<newSize).map { _ in
                defer { position += step }
                return min(Int(position), size - 1)
            }
        }
        let columns = positions(width, newWidth)
        var result: [UInt8] = []
        result.reserveCapacity(3 * newWidth * newHeight)
        for row in positions(height, newHeight) {
            for column in columns {
                let index = 3 * (row * width + column)
                result += pixels[index..<index + 3]
            }
        }
        return RGBImage(width: newWidth, height: newHeight, pixels: result)
    }

    /// Cuts out the middle; where the picture is smaller, black is added around it.
    ///
    /// Reference: `transformers.image_transforms.center_crop`.
    public func centerCropped(width newWidth: Int, height newHeight: Int) -> RGBImage {
        // Where the result's first pixel lies in this picture: negative where black is added.
        func start(_ size: Int, _ newSize: Int) -> Int {
            if newSize <= size { return (size - newSize) / 2 }
            let padding = (newSize - size + 1) / 2
            return -padding
        }
        let (left, top) = (start(width, newWidth), start(height, newHeight))
        var result = [UInt8](repeating: 0, count: 3 * newWidth * newHeight)
        for y in 0..<newHeight where (0..<height).contains(top + y) {
            for x in 0..<newWidth where (0..<width).contains(left + x) {
                let (source, target) =
                    (3 * ((top + y) * width + left + x), 3 * (y * newWidth + x))
                for channel in 0..<3 { result[target + channel] = pixels[source + channel] }
            }
        }
        return RGBImage(width: newWidth, height: newHeight, pixels: result)
    }
}

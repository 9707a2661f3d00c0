internal import Dispatch
public import GraftData
internal import Synchronization

/// A picture that cannot be used.
public struct BrokenImage: Sendable, Hashable, CustomStringConvertible {
    /// What the data set calls it.
    public let name: String
    /// What is wrong.
    public let problem: String

    public var description: String {
        // What the file system says names the file already.
        problem.contains("\(name): ") ? problem : "\(name): \(problem)"
    }
}

/// Pictures of a data set cannot be used: the first ten, and how many there are.
public struct BrokenImagesError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The data set.
    public let path: String
    /// The pictures.
    public let images: [BrokenImage]

    public var description: String {
        guard images.count > 1 else {
            return images.map(\.description).joined()
                + (path == images[0].name ? "" : " (hint: --skip-broken leaves it out)")
        }
        let shown = images.prefix(10).map { "  \($0)" }
        let rest = images.count > 10 ? ["  ... and \(images.count - 10) more"] : []
        let head =
            "\(path): \(images.count) pictures cannot be read (hint: --skip-broken leaves them out)"
        return ([head] + shown + rest)
            .joined(separator: "\n")
    }
}

/// Pictures as a model reads them but for the arithmetic on single values: 3 bytes a pixel.
public struct PreparedImages: Sendable {
    /// The pictures' names and answers, in order.
    public let rows: Dataset
    /// Pictures that were left out.
    public let broken: [BrokenImage]
    /// The width of each.
    public let width: Int
    /// The height of each.
    public let height: Int
    /// Red, green and blue of every pixel: [pictures, height, width, 3].
    public let pixels: [UInt8]
    /// What a byte of a channel becomes, as ``ImageProcessor/values``.
    public let values: [Float]

    /// Decodes, resizes and crops the pictures of a data set on all cores.
    ///
    /// - Parameters:
    ///   - data: The pictures.
    ///   - processor: The model's preprocessing.
    ///   - skippingBroken: Whether pictures that cannot be read are left out; otherwise they are an error.
    /// - Throws: ``BrokenImagesError`` naming them; `DataError` if none is left.
    public init(
        _ data: ImageDataset,
        _ processor: ImageProcessor,
        skippingBroken: Bool = false
    ) throws {
        var (kept, broken): ([Int], [BrokenImage]) = ([], [])
        var (pixels, size): ([UInt8], (width: Int, height: Int)) = ([], (0, 0))
        // In pieces, so that pictures are not twice in memory.
        for first in stride(from: 0, to: data.count, by: 256) {
            let indices = first..<min(first + 256, data.count)
            for (index, result) in zip(indices, PreparedImages.prepared(indices, data, processor)) {
                do {
                    let image = try result.get()
                    if pixels.isEmpty {
                        size = (image.width, image.height)
                        pixels.reserveCapacity(image.pixels.count * data.count)
                    }
                    guard (image.width, image.height) == size else {
                        throw ImageError.unfit(
                            width: image.width,
                            height: image.height,
                            wanted: "\(size.width) x \(size.height) like the first"
                        )
                    }
                    kept.append(index)
                    pixels += image.pixels
                } catch {
                    broken.append(BrokenImage(name: data.rows[index].text, problem: "\(error)"))
                }
            }
        }
        guard broken.isEmpty || skippingBroken else {
            throw BrokenImagesError(path: data.rows.path, images: broken)
        }
        rows =
            broken.isEmpty
            ? data.rows
            : try Dataset(
                kept.lazy.map { data.rows[$0] },
                path: data.rows.path,
                schema: data.rows.schema
            )
        (width, height, self.pixels, self.broken) = (size.width, size.height, pixels, broken)
        values = processor.values
    }

    /// The number of pictures.
    public var count: Int { rows.count }

    private static func prepared(
        _ indices: Range<Int>,
        _ data: ImageDataset,
        _ processor: ImageProcessor
    ) -> [Result<RGBImage, any Error>] {
        let chunk = 8
        let chunks = (indices.count + chunk - 1) / chunk
        let results = Mutex([[Result<RGBImage, any Error>]](repeating: [], count: chunks))
        DispatchQueue.concurrentPerform(iterations: chunks) { index in
            let images = indices.dropFirst(index * chunk).prefix(chunk).map { row in
                Result { try processor.prepared(data.image(row)) }
            }
            results.withLock { $0[index] = images }
        }
        return results.withLock { Array($0.joined()) }
    }
}

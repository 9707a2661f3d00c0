internal import Foundation
internal import GraftData

/// An IDX file of bytes, as MNIST is distributed: a big-endian header, then the values.
///
/// Reference: the description beside the [original files](http://yann.lecun.com/exdb/mnist/).
struct IDXFile {
    /// The length along each dimension.
    let shape: [Int]
    /// The whole file.
    let bytes: [UInt8]
    /// Where the values begin.
    let start: Int

    /// Whether a file begins as an IDX file of bytes.
    static func recognises(_ bytes: [UInt8]) -> Bool {
        bytes.count >= 8 && bytes.starts(with: [0, 0, 8]) && (1...3).contains(bytes[3])
    }

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - bytes: The file, decompressed.
    ///   - dimensions: How many dimensions it must have.
    ///   - path: What errors call it.
    /// - Throws: `DataError` if it is something else or of another length than it says.
    init(_ bytes: [UInt8], dimensions: Int, path: String) throws(DataError) {
        let header = 4 + 4 * dimensions
        guard IDXFile.recognises(bytes), Int(bytes[3]) == dimensions, bytes.count >= header else {
            throw .unreadable(path: path, reason: "no IDX file of \(dimensions) dimensions")
        }
        shape = (1...dimensions).map { index in
            bytes[4 * index..<4 * index + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        var count = 1
        for length in shape {
            let (product, overflows) = count.multipliedReportingOverflow(by: length)
            guard !overflows else {
                throw .unreadable(path: path, reason: "its shape is too large")
            }
            count = product
        }
        guard bytes.count - header == count else {
            let shape = shape.map(String.init).joined(separator: " x ")
            throw .unreadable(
                path: path,
                reason: "it says \(shape) values, but holds \(bytes.count - header)"
            )
        }
        (self.bytes, start) = (bytes, header)
    }

    /// The path of the labels that belong to a file of pictures: `images-idx3` becomes `labels-idx1`.
    static func labels(of path: String) -> String? {
        let (pictures, labels) = (["images-idx3", "images.idx3"], ["labels-idx1", "labels.idx1"])
        for (ending, other) in zip(pictures, labels) {
            if let range = path.range(of: ending) {
                return path.replacingCharacters(in: range, with: other)
            }
        }
        return nil
    }
}

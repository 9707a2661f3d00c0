internal import GraftData

/// Where the pictures of a data set are, compressed as they came.
enum PictureSource: Sendable {
    /// Files, read when asked for.
    case files([String])
    /// Parts of one file that is in memory.
    case parts(of: [UInt8], [Range<Int>])
    /// One channel of 8 bits, one picture after another from an offset on.
    case grey([UInt8], start: Int, width: Int, height: Int)

    /// Decodes one picture.
    func image(_ index: Int, _ decoder: ImageDecoder) throws -> RGBImage {
        switch self {
        case .files(let paths): return try decoder.decode(contents(ofFile: paths[index]))
        case .parts(let bytes, let ranges): return try decoder.decode(Array(bytes[ranges[index]]))
        case .grey(let bytes, let start, let width, let height):
            let first = start + index * width * height
            return RGBImage(
                width: width,
                height: height,
                grey: bytes[first..<first + width * height]
            )
        }
    }

    /// Endings of pictures; those that cannot be decoded are named as broken, and not passed over.
    private static let endings: Set = [
        "jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "heic", "avif",
    ]

    /// The names of files that are taken for pictures where a folder or an archive holds others too.
    static func isPicture(_ name: String) -> Bool {
        let parts = name.split(separator: "/").last?.split(separator: ".") ?? []
        guard let ending = parts.last, parts.count > 1 else { return false }
        return endings.contains(ending.lowercased())
    }
}

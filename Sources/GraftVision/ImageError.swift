/// Why a picture cannot be read, or a folder's preprocessing not be followed.
public enum ImageError: Error, Sendable, Hashable {
    /// The file holds nothing.
    case empty
    /// The file is no JPEG, PNG or WebP file.
    case unknownFormat
    /// The file is damaged, cut short, or uses what its library does not support.
    case damaged(ImageFormat, reason: String)
    /// The file claims more pixels than are allowed.
    case tooLarge(width: Int, height: Int, limit: Int)
    /// A field of `preprocessor_config.json` cannot be followed.
    case configuration(path: String, field: String, problem: String)
    /// `preprocessor_config.json` cannot be read.
    case unreadableConfiguration(path: String, reason: String)
    /// A picture has another size than the model reads.
    case unfit(width: Int, height: Int, wanted: String)
}

extension ImageError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .empty: return "the file is empty"
        case .unknownFormat:
            let known = ImageFormat.allCases.map(\.rawValue).joined(separator: ", ")
            return "not an image of a known format (known: \(known))"
        case .damaged(let format, let reason): return "damaged \(format.rawValue) file: \(reason)"
        case .tooLarge(let width, let height, let limit):
            return "\(width) x \(height) pixels are more than the \(limit) that are allowed"
        case .configuration(let path, let field, let problem): return "\(path): \(field) \(problem)"
        case .unreadableConfiguration(let path, let reason):
            return "\(path): cannot be read: \(reason)"
        case .unfit(let width, let height, let wanted):
            return "\(width) x \(height) pixels, but the model reads \(wanted)"
        }
    }
}

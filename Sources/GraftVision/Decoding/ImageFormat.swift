/// The kinds of image file that are decoded, recognised by their first bytes and never by name.
public enum ImageFormat: String, Sendable, Hashable, CaseIterable {
    /// JPEG, baseline or progressive, decoded by libjpeg-turbo.
    case jpeg = "JPEG"
    /// PNG, decoded by libpng.
    case png = "PNG"
    /// WebP, lossy or lossless, decoded by libwebp; of an animation the first frame.
    case webp = "WebP"

    /// Recognises a file.
    ///
    /// - Parameter bytes: The file, or at least its first twelve bytes.
    public init?(of bytes: [UInt8]) {
        if bytes.starts(with: [0xff, 0xd8, 0xff]) {
            self = .jpeg
        } else if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) {
            self = .png
        } else if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
            self = .webp
        } else {
            return nil
        }
    }
}

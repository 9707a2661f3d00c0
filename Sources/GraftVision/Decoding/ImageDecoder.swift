internal import CGraftVision

/// Decodes image files to RGB as Pillow does with `ImageOps.exif_transpose` and `convert("RGB")`,
/// which is how Hugging Face's processors load pictures (`transformers.image_utils.load_image`).
///
/// The libraries are Debian's: libjpeg-turbo (with its accurate integer transform), libpng and libwebp.
/// Grey is repeated, alpha is dropped, palettes are looked up, CMYK is converted by Pillow's formula; colour
/// profiles and gamma are ignored, as there. Damage that a library repairs with a warning is accepted, as
/// there; data that are missing are an error.
public struct ImageDecoder: Sendable {
    /// The most pixels a file may claim, before any memory is taken: 89,478,485 by default, the number
    /// at which Pillow warns of a decompression bomb.
    public var pixelLimit = 89_478_485

    /// A decoder with the default limit.
    public init() {}

    /// Decodes a file.
    ///
    /// - Parameter bytes: The whole file.
    /// - Returns: The picture, turned as its EXIF data ask for.
    /// - Throws: ``ImageError``.
    public func decode(_ bytes: [UInt8]) throws(ImageError) -> RGBImage {
        guard !bytes.isEmpty else { throw .empty }
        guard let format = ImageFormat(of: bytes) else { throw .unknownFormat }
        var size = gv_size()
        try unsafe call(format, bytes, &size, nil)
        let (width, height) = (Int(size.width), Int(size.height))
        guard width > 0, height > 0 else { throw .damaged(format, reason: "it has no pixels") }
        guard width <= pixelLimit / height else {
            throw .tooLarge(width: width, height: height, limit: pixelLimit)
        }
        let count = 3 * width * height
        var failure: ImageError?
        let pixels = unsafe [UInt8](unsafeUninitializedCapacity: count) { target, produced in
            do throws(ImageError) {
                try unsafe call(format, bytes, &size, target.baseAddress)
                produced = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        let image = RGBImage(width: width, height: height, pixels: pixels)
        return image.oriented(ImageOrientation(of: bytes, format) ?? .upright)
    }

    private func call(
        _ format: ImageFormat,
        _ bytes: [UInt8],
        _ size: inout gv_size,
        _ pixels: UnsafeMutablePointer<UInt8>?
    ) throws(ImageError) {
        let decode =
            switch format {
            case .jpeg: unsafe gv_decode_jpeg
            case .png: unsafe gv_decode_png
            case .webp: unsafe gv_decode_webp
            }
        var message = [CChar](repeating: 0, count: Int(GV_MESSAGE))
        let status = unsafe bytes.withUnsafeBufferPointer { file in
            // Not nil: the caller saw bytes in it.
            guard let base = file.baseAddress else { return gv_status(GV_DAMAGED) }
            return unsafe decode(base, file.count, &size, pixels, &message)
        }
        guard status != GV_OK else { return }
        let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        throw .damaged(format, reason: String(decoding: text, as: UTF8.self))
    }
}

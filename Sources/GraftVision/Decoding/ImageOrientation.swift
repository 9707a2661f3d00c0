/// How a picture is to be turned before it is looked at: the EXIF tag 274.
///
/// Reference: Pillow's `ImageOps.exif_transpose`. Only EXIF data are read, not XMP.
enum ImageOrientation: Int {
    case upright = 1
    case mirrored, upsideDown, flipped, transposed, turnedRight, transversed, turnedLeft

    /// Whether width and height change places.
    var swapsSides: Bool { rawValue >= ImageOrientation.transposed.rawValue }

    /// Reads a file's tag; `nil` without one or if what is there makes no sense.
    init?(of bytes: [UInt8], _ format: ImageFormat) {
        let file = ByteReader(bytes[...], isLittleEndian: format == .webp)
        let exif =
            switch format {
            case .jpeg: ImageOrientation.jpegExif(file)
            case .png: ImageOrientation.pngExif(file)
            case .webp: ImageOrientation.webpExif(file)
            }
        guard var tiff = exif else { return nil }
        if tiff.starts(with: ImageOrientation.exifHeader) { tiff = tiff.dropFirst(6) }
        guard let tag = ImageOrientation.tag(in: tiff) else { return nil }
        self.init(rawValue: tag)
    }

    private static let exifHeader = Array("Exif\0\0".utf8)

    /// The payload of the first APP1 segment with EXIF data.
    private static func jpegExif(_ file: ByteReader) -> ArraySlice<UInt8>? {
        var offset = 2
        while let marker = file.integer(at: offset, bytes: 2), marker >= 0xff00 {
            // Fill bytes, and markers that stand alone.
            if marker == 0xffff {
                offset += 1
                continue
            }
            if marker == 0xff01 || (0xffd0...0xffd7).contains(marker) {
                offset += 2
                continue
            }
            guard marker != 0xffda, marker != 0xffd9,
                let length = file.integer(at: offset + 2, bytes: 2), length >= 2
            else { return nil }
            let payload = file.slice(at: offset + 4, count: length - 2)
            if marker == 0xffe1, let payload, payload.starts(with: exifHeader) { return payload }
            offset += 2 + length
        }
        return nil
    }

    private static func pngExif(_ file: ByteReader) -> ArraySlice<UInt8>? {
        var offset = 8
        while let length = file.integer(at: offset, bytes: 4),
            let type = file.slice(at: offset + 4, count: 4)
        {
            if type.elementsEqual("eXIf".utf8) { return file.slice(at: offset + 8, count: length) }
            offset += 12 + length
        }
        return nil
    }

    private static func webpExif(_ file: ByteReader) -> ArraySlice<UInt8>? {
        var offset = 12
        while let type = file.slice(at: offset, count: 4),
            let length = file.integer(at: offset + 4, bytes: 4)
        {
            if type.elementsEqual("EXIF".utf8) { return file.slice(at: offset + 8, count: length) }
            offset += 8 + length + length % 2
        }
        return nil
    }

    /// The value of tag 274 in the first directory of a TIFF structure.
    private static func tag(in tiff: ArraySlice<UInt8>) -> Int? {
        let isLittleEndian = tiff.starts(with: "II".utf8)
        guard isLittleEndian || tiff.starts(with: "MM".utf8) else { return nil }
        let reader = ByteReader(tiff, isLittleEndian: isLittleEndian)
        guard reader.integer(at: 2, bytes: 2) == 42,
            let directory = reader.integer(at: 4, bytes: 4),
            let count = reader.integer(at: directory, bytes: 2)
        else { return nil }
        for entry in 0..<count {
            let offset = directory + 2 + 12 * entry
            guard let tag = reader.integer(at: offset, bytes: 2) else { return nil }
            guard tag == 274 else { continue }
            // A short (3) or a long (4), which lie at the front of the value's four bytes.
            switch reader.integer(at: offset + 2, bytes: 2) {
            case 3: return reader.integer(at: offset + 8, bytes: 2)
            case 4: return reader.integer(at: offset + 8, bytes: 4)
            default: return nil
            }
        }
        return nil
    }
}

/// Reads integers of untrusted bytes: what is not there is `nil`.
private struct ByteReader {
    private let bytes: ArraySlice<UInt8>
    private let isLittleEndian: Bool

    init(_ bytes: ArraySlice<UInt8>, isLittleEndian: Bool) {
        (self.bytes, self.isLittleEndian) = (bytes, isLittleEndian)
    }

    func slice(at offset: Int, count: Int) -> ArraySlice<UInt8>? {
        guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else {
            return nil
        }
        let start = bytes.startIndex + offset
        return bytes[start..<start + count]
    }

    func integer(at offset: Int, bytes count: Int) -> Int? {
        guard let slice = slice(at: offset, count: count) else { return nil }
        let ordered = isLittleEndian ? Array(slice.reversed()) : Array(slice)
        return ordered.reduce(0) { $0 << 8 | Int($1) }
    }
}

extension RGBImage {
    /// This picture turned as its file asks for.
    func oriented(_ orientation: ImageOrientation) -> RGBImage {
        guard orientation != .upright else { return self }
        let swaps = orientation.swapsSides
        let (newWidth, newHeight) = swaps ? (height, width) : (width, height)
        var turned: [UInt8] = []
        turned.reserveCapacity(pixels.count)
        for y in 0..<newHeight {
            for x in 0..<newWidth {
                let (column, row): (Int, Int) =
                    switch orientation {
                    case .upright: (x, y)
                    case .mirrored: (width - 1 - x, y)
                    case .upsideDown: (width - 1 - x, height - 1 - y)
                    case .flipped: (x, height - 1 - y)
                    case .transposed: (y, x)
                    case .turnedRight: (y, height - 1 - x)
                    case .transversed: (width - 1 - y, height - 1 - x)
                    case .turnedLeft: (width - 1 - y, x)
                    }
                let index = 3 * (row * width + column)
                turned += pixels[index..<index + 3]
            }
        }
        return RGBImage(width: newWidth, height: newHeight, pixels: turned)
    }
}

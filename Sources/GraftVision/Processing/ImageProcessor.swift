/// Turns pictures into what a vision model reads: resizes, cuts out the middle, rescales and normalises.
///
/// The steps and their arithmetic are those of Hugging Face's processors (`transformers` 4.57.6, the ones
/// without `Fast`, which work on Pillow images): the prepared pixels are equal bit for bit.
///
/// A picture is kept as bytes until a batch is made of it: after ``prepared(_:)`` only arithmetic on single
/// values is left, which ``values`` holds for all 256 of them.
public struct ImageProcessor: Sendable, Hashable {
    /// How pictures come to one size.
    public enum Size: Sendable, Hashable {
        /// To this size, whatever the shape.
        case exactly(width: Int, height: Int)
        /// Until the shorter side is as long as this.
        case shorterSide(Int)
    }

    /// The new size; `nil` to leave pictures as they are.
    public var size: Size?
    /// How pixels are mixed.
    public var filter: ResamplingFilter
    /// The middle part to keep; `nil` for all.
    public var crop: Crop?
    /// What bytes are multiplied with; `nil` to leave them.
    public var rescaleFactor: Double?
    /// What is taken away from red, green and blue, and what the rest is divided by; `nil` for neither.
    public var normalization: Normalization?

    /// A processor that leaves pictures and their bytes as they are, until told otherwise.
    public init(filter: ResamplingFilter) { self.filter = filter }

    /// A size to cut out.
    public struct Crop: Sendable, Hashable {
        public var width: Int
        public var height: Int
    }

    /// The mean and the standard deviation of each channel.
    public struct Normalization: Sendable, Hashable {
        public var mean: [Float]
        public var deviation: [Float]
    }

    /// The size of every prepared picture; `nil` if pictures keep sizes of their own.
    public var outputSize: (width: Int, height: Int)? {
        if let crop { return (crop.width, crop.height) }
        guard case .exactly(let width, let height) = size else { return nil }
        return (width, height)
    }

    /// Resizes a picture and cuts out its middle.
    ///
    /// - Throws: ``ImageError/tooLarge(width:height:limit:)`` if a picture of extreme proportions would have more
    ///   pixels than are decoded of any.
    public func prepared(_ image: RGBImage) throws(ImageError) -> RGBImage {
        var image = image
        func resize(width: Int, height: Int) throws(ImageError) {
            let limit = ImageDecoder().pixelLimit
            guard width <= limit, height <= limit, width * height <= limit else {
                throw .tooLarge(width: width, height: height, limit: limit)
            }
            image = image.resized(width: width, height: height, filter)
        }
        switch size {
        case nil: break
        case .exactly(let width, let height):
            try resize(width: width, height: height)
        case .shorterSide(let side):
            // The longer side is cut to a whole number.
            if image.width <= image.height {
                let height = Int(Double(side * image.height) / Double(image.width))
                try resize(width: side, height: height)
            } else {
                let width = Int(Double(side * image.width) / Double(image.height))
                try resize(width: width, height: side)
            }
        }
        return crop.map { image.centerCropped(width: $0.width, height: $0.height) } ?? image
    }

    /// What each byte of each channel becomes: red's 256 values, then green's, then blue's.
    public var values: [Float] {
        (0..<3).flatMap { channel in
            (0..<256).map { byte in
                var value = Float(byte)
                // The product is of doubles, what follows of floats, as numpy computes it.
                if let rescaleFactor { value = Float(Double(byte) * rescaleFactor) }
                if let normalization {
                    value = (value - normalization.mean[channel]) / normalization.deviation[channel]
                }
                return value
            }
        }
    }
}

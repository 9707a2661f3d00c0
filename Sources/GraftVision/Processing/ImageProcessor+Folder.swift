private import Foundation
private import GraftData

extension ImageProcessor {
    /// Reads `preprocessor_config.json` of a model folder.
    ///
    /// Known are the processors `ViT`, `DeiT`, `CLIP` and `Bit` (which DINOv2 uses), by their names of
    /// old (`...FeatureExtractor`) and with `Fast`; what a file leaves out has that processor's default.
    ///
    /// - Parameter path: The file.
    /// - Throws: ``ImageError`` naming the file and the field.
    public init(contentsOf path: String) throws(ImageError) {
        let file: Configuration
        do {
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            file = try JSONDecoder().decode(Configuration.self, from: data)
        } catch let error as DecodingError {
            let (context, problem) = ImageProcessor.explain(error)
            let field = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw .configuration(path: path, field: field.isEmpty ? "it" : field, problem: problem)
        } catch {
            throw .unreadableConfiguration(path: path, reason: error.systemReason)
        }
        do throws(Configuration.Problem) {
            self = try file.processor()
        } catch {
            throw .configuration(path: path, field: error.field, problem: error.text)
        }
    }

    private static func explain(_ error: DecodingError) -> (DecodingError.Context, String) {
        switch error {
        case .keyNotFound(let key, let context): (context, "has no '\(key.stringValue)'")
        case .typeMismatch(_, let context): (context, "is of another type than is wanted")
        case .valueNotFound(_, let context): (context, "is null")
        case .dataCorrupted(let context):
            (context, "is not what is wanted: \(context.debugDescription)")
        @unknown default: (DecodingError.Context(codingPath: [], debugDescription: ""), "\(error)")
        }
    }
}

/// `preprocessor_config.json`, as far as it is followed.
private struct Configuration: Decodable {
    struct Problem: Error {
        let field: String
        let text: String
    }

    /// A side, or the names of sides.
    struct Sides: Decodable {
        var side: Int?
        var sides: [String: Int] = [:]

        init(side: Int) { self.side = side }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int.self) {
                side = number
            } else {
                sides = try container.decode([String: Int].self)
            }
        }
    }

    /// One number for all channels, or one for each.
    struct Channels: Decodable {
        let values: [Float]

        init(_ values: [Float]) { self.values = values }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Float.self) {
                values = [number, number, number]
            } else {
                values = try container.decode([Float].self)
            }
        }
    }

    /// What a processor does unless told otherwise.
    private struct Defaults {
        let size: Int
        let filter: ResamplingFilter
        let crop: Int?
        /// Whether a single number means the shorter side.
        let keepsShape: Bool
        let mean: [Float]
        let deviation: [Float]

        init?(processor: String) {
            let half: [Float] = [0.5, 0.5, 0.5]
            let clipMean: [Float] = [0.48145466, 0.4578275, 0.40821073]
            let clipDeviation: [Float] = [0.26862954, 0.26130258, 0.27577711]
            switch processor {
            case "ViT": self.init(224, .bilinear, nil, false, half, half)
            case "DeiT": self.init(256, .bicubic, 224, false, half, half)
            case "CLIP", "Bit": self.init(224, .bicubic, 224, true, clipMean, clipDeviation)
            default: return nil
            }
        }

        private init(
            _ size: Int,
            _ filter: ResamplingFilter,
            _ crop: Int?,
            _ keepsShape: Bool,
            _ mean: [Float],
            _ deviation: [Float]
        ) {
            (self.size, self.filter, self.crop, self.keepsShape) = (size, filter, crop, keepsShape)
            (self.mean, self.deviation) = (mean, deviation)
        }
    }

    let imageProcessor: String?
    let featureExtractor: String?
    let resizes: Bool?
    let size: Sides?
    let resample: Int?
    let crops: Bool?
    let cropSize: Sides?
    let rescales: Bool?
    let rescaleFactor: Double?
    let normalizes: Bool?
    let mean: Channels?
    let deviation: Channels?

    enum CodingKeys: String, CodingKey {
        case imageProcessor = "image_processor_type"
        case featureExtractor = "feature_extractor_type"
        case resizes = "do_resize"
        case size, resample
        case crops = "do_center_crop"
        case cropSize = "crop_size"
        case rescales = "do_rescale"
        case rescaleFactor = "rescale_factor"
        case normalizes = "do_normalize"
        case mean = "image_mean"
        case deviation = "image_std"
    }

    func processor() throws(Problem) -> ImageProcessor {
        let key = CodingKeys.imageProcessor.rawValue
        guard let type = imageProcessor ?? featureExtractor else {
            throw Problem(field: key, text: "is missing (known: ViT, DeiT, CLIP, Bit)")
        }
        var name = type[...]
        for ending in ["Fast", "ImageProcessor", "FeatureExtractor"] where name.hasSuffix(ending) {
            name = name.dropLast(ending.count)
        }
        guard let defaults = Defaults(processor: String(name)) else {
            throw Problem(
                field: key,
                text: "'\(type)' is not supported (known: ViT, DeiT, CLIP, Bit)"
            )
        }
        guard let filter = ResamplingFilter(rawValue: resample ?? defaults.filter.rawValue) else {
            throw Problem(
                field: CodingKeys.resample.rawValue,
                text: "\(resample ?? -1) is no filter"
            )
        }
        let crop = crops ?? (defaults.crop != nil)
        var result = ImageProcessor(filter: filter)
        if resizes ?? true { result.size = try size(defaults) }
        if crop, let side = defaults.crop {
            let (width, height) = try rectangle(cropSize ?? Sides(side: side), .cropSize)
            result.crop = ImageProcessor.Crop(width: width, height: height)
        }
        if rescales ?? true { result.rescaleFactor = rescaleFactor ?? 1 / 255 }
        if normalizes ?? true {
            result.normalization = ImageProcessor.Normalization(
                mean: try channels(mean?.values ?? defaults.mean, .mean),
                deviation: try channels(deviation?.values ?? defaults.deviation, .deviation)
            )
        }
        return result
    }

    /// The longest side of a prepared picture, so that no settings fill the memory.
    private static var largestSide: Int { 1 << 13 }

    private func size(_ defaults: Defaults) throws(Problem) -> ImageProcessor.Size {
        let given = size ?? Sides(side: defaults.size)
        let shorter = given.sides["shortest_edge"] ?? (defaults.keepsShape ? given.side : nil)
        if let shorter {
            // The processors that read a width and a height know no other way.
            guard defaults.keepsShape, given.sides.count < 2 else {
                throw Problem(
                    field: CodingKeys.size.rawValue,
                    text: "must be a positive height and width for this processor"
                )
            }
            guard (1...Self.largestSide).contains(shorter) else {
                throw Problem(
                    field: CodingKeys.size.rawValue,
                    text: "must be from 1 to \(Self.largestSide), found \(shorter)"
                )
            }
            return .shorterSide(shorter)
        }
        let (width, height) = try rectangle(given, .size)
        return .exactly(width: width, height: height)
    }

    private func rectangle(
        _ sides: Sides,
        _ key: CodingKeys
    ) throws(Problem) -> (width: Int, height: Int) {
        let (width, height) = (
            sides.side ?? sides.sides["width"], sides.side ?? sides.sides["height"]
        )
        let allowed = 1...Self.largestSide
        guard let width, let height, allowed.contains(width), allowed.contains(height) else {
            throw Problem(
                field: key.rawValue,
                text: "must have a height and a width from 1 to \(Self.largestSide)"
            )
        }
        return (width, height)
    }

    private func channels(_ values: [Float], _ key: CodingKeys) throws(Problem) -> [Float] {
        guard values.count == 3, values.allSatisfy(\.isFinite),
            key != .deviation || values.allSatisfy({ $0 != 0 })
        else {
            throw Problem(
                field: key.rawValue,
                text: "must be three numbers, deviations other than 0"
            )
        }
        return values
    }
}

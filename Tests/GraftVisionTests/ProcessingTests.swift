import Foundation
import GraftTestSupport
import GraftTorch
import GraftVision
import Testing

@Suite("Preprocessing against Pillow and transformers")  // Tools/reference/images.py, seed 51
struct ProcessingTests {
    @Test(arguments: ResamplingFilter.allCases)
    func `resized pictures are equal`(filter: ResamplingFilter) throws {
        let fixture = try Fixture("images/resized")
        let image = try RGBImage(fixture["image"])
        let expected = fixture.tensors(below: "\(filter).")
        #expect(expected.count == 6)
        for (size, pixels) in expected {
            let sides = size.split(separator: "x").compactMap { Int($0) }
            let resized = image.resized(width: sides[0], height: sides[1], filter)
            #expect(resized == (try RGBImage(pixels)), "\(size)")
        }
    }

    @Test func `a picture of extreme proportions is not resized`() throws {
        let file = try configurationFile([
            "image_processor_type": "CLIPImageProcessor", "size": ["shortest_edge": 224],
        ])
        let processor = try ImageProcessor(contentsOf: file.path)
        let line = RGBImage(width: 1, height: 65_500, grey: [UInt8](repeating: 0, count: 65_500))
        #expect(
            throws: ImageError.tooLarge(width: 224, height: 14_672_000, limit: 89_478_485)
        ) { try processor.prepared(line) }
    }

    @Test(arguments: [
        "vit", "vit_as_is", "vit_bytes", "deit", "deit_padded", "clip", "clip_lanczos",
    ])
    func `prepared values are equal`(name: String) throws {
        let fixture = try Fixture("images/processed")
        let configurations = try JSONSerialization.jsonObject(
            with: Data((fixture.metadata["configurations"] ?? "").utf8)
        )
        let all = try #require(configurations as? [String: Any])
        let file = try configurationFile(try #require(all[name]))
        let processor = try ImageProcessor(contentsOf: file.path)
        let table = processor.values
        for shape in ["wide", "tall"] {
            let image = try processor.prepared(RGBImage(fixture["image.\(shape)"]))
            if let size = processor.outputSize {
                #expect(size == (image.width, image.height))
            }
            let expected = try fixture["\(name).\(shape)"]  // [3, height, width]
            #expect(expected.shape == [3, image.height, image.width])
            let values: [Float] = try expected.values()
            let found = (0..<3).flatMap { channel in
                (0..<image.width * image.height).map {
                    table[256 * channel + Int(image.pixels[3 * $0 + channel])]
                }
            }
            #expect(found == values, "\(shape)")
        }
    }

    @Test func `a processor's defaults are its own`() throws {
        func processor(_ fields: [String: Any]) throws -> ImageProcessor {
            let file = try configurationFile(fields)
            return try withExtendedLifetime(file) { try ImageProcessor(contentsOf: file.path) }
        }
        let vit = try processor(["image_processor_type": "ViTImageProcessorFast"])
        #expect(vit.size == .exactly(width: 224, height: 224))
        #expect(vit.filter == .bilinear && vit.crop == nil)
        let clip = try processor(["feature_extractor_type": "CLIPFeatureExtractor", "size": 8])
        #expect(clip.size == .shorterSide(8) && clip.filter == .bicubic)
        #expect(clip.outputSize.map { [$0.width, $0.height] } == [224, 224])
        let deit = try processor(["image_processor_type": "DeiTImageProcessor"])
        #expect(deit.size == .exactly(width: 256, height: 256))
        #expect(deit.crop?.width == 224)
    }

    @Test func `a configuration that cannot be followed names the field`() throws {
        func complaint(_ fields: [String: Any]) throws -> String {
            let file = try configurationFile(fields)
            let text = withExtendedLifetime(file) {
                GraftVisionTests.complaint { _ = try ImageProcessor(contentsOf: file.path) }
            }
            return try #require(text).replacing(file.path, with: "FILE")
        }
        #expect(
            try complaint([:])
                == "FILE: image_processor_type is missing (known: ViT, DeiT, CLIP, Bit)"
        )
        #expect(
            try complaint(["image_processor_type": "SamImageProcessor"])
                == "FILE: image_processor_type 'SamImageProcessor' is not supported"
                + " (known: ViT, DeiT, CLIP, Bit)"
        )
        let vit: [String: Any] = ["image_processor_type": "ViTImageProcessor"]
        #expect(
            try complaint(vit.merging(["size": ["height": 0, "width": 4]]) { $1 })
                == "FILE: size must have a height and a width from 1 to 8192"
        )
        #expect(
            try complaint([
                "image_processor_type": "CLIPImageProcessor",
                "crop_size": ["height": 1 << 40, "width": 4],
            ]) == "FILE: crop_size must have a height and a width from 1 to 8192"
        )
        #expect(
            try complaint(vit.merging(["image_std": [1, 0, 1]]) { $1 })
                == "FILE: image_std must be three numbers, deviations other than 0"
        )
        #expect(
            try complaint(vit.merging(["resample": 9]) { $1 }) == "FILE: resample 9 is no filter"
        )
        #expect(
            try complaint(vit.merging(["do_resize": "yes"]) { $1 })
                == "FILE: do_resize is of another type than is wanted"
        )
    }

    private func configurationFile(_ fields: Any) throws -> ConfigurationFile {
        let folder = try TemporaryFolder()
        let path = folder.path + "/preprocessor_config.json"
        try JSONSerialization.data(withJSONObject: fields).write(to: URL(filePath: path))
        return ConfigurationFile(folder: folder, path: path)
    }

    /// A file that lasts as long as this value.
    private struct ConfigurationFile {
        let folder: TemporaryFolder
        let path: String
    }
}

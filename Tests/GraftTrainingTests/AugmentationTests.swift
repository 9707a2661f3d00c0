import Foundation
import GraftFormats
import GraftTestSupport
import GraftTorch
import GraftTraining
import GraftVision
import Testing

@Suite struct AugmentationTests {
    /// The picture `rgb.png`, with values from 0 to 1.
    private func picture() throws -> PreparedImages {
        var processor = ImageProcessor(filter: .bilinear)
        processor.rescaleFactor = 1 / 255
        let path = Fixture.folder.appending(path: "images/rgb.png").path
        return try PreparedImages(ImageDataset(files: [path], named: "picture"), processor)
    }

    @Test func `parts are enlarged as torch does, and mirrored`() throws {
        let images = try picture()
        let fixture = try Fixture("images/views")
        #expect(fixture.tensors.count == 6)
        for (name, wanted) in fixture.tensors {
            let numbers = name.split(separator: ",").compactMap { Int($0) }
            try #require(numbers.count == 5)
            var view = PreparedImages.View(width: numbers[2], height: numbers[3])
            (view.left, view.top, view.isMirrored) = (numbers[0], numbers[1], numbers[4] == 1)
            var found = [Float](repeating: .nan, count: wanted.count)
            var target = found.mutableSpan
            images.write(0, view: view, to: &target, at: 0)
            expectClose(found.map(Double.init), try wanted.values(), tolerance: 1e-6, name)
        }
    }

    @Test func `views lie in the picture, show as much as they must, and are drawn anew`() throws {
        let augmentation = try Augmentation("flip,crop=0.25")
        var generator = SplitMix64(state: 3)
        let views = (0..<2_000).map { _ in
            augmentation.view(width: 40, height: 24, using: &generator)
        }
        for view in views {
            #expect(view.left >= 0 && view.left + view.width <= 40)
            #expect(view.top >= 0 && view.top + view.height <= 24)
            // Sides are whole numbers, so that the share may be a little less.
            #expect(Double(view.width * view.height) > 0.22 * 40 * 24)
        }
        #expect((800...1_200).contains(views.count(where: \.isMirrored)))
        #expect(Set(views).count > 1_000)
    }
}

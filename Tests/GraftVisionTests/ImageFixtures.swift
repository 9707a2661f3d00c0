import Foundation
import GraftTestSupport
import GraftTorch
import GraftVision

/// The folder of image files that `Tools/reference/images.py` drew.
let imageFolder = Fixture.folder.appending(path: "images").path(percentEncoded: false)

/// The bytes of a drawn file.
func imageFile(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: imageFolder).appending(path: name)))
}

extension RGBImage {
    /// A picture from a fixture's tensor: uint8 [height, width, 3].
    init(_ tensor: Tensor) throws {
        self.init(width: tensor.size(1), height: tensor.size(0), pixels: try tensor.values())
    }
}

/// What the user reads when `body` fails; nil if it does not.
func complaint(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return "\(error)"
    }
}

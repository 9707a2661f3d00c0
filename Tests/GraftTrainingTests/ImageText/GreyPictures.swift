import Foundation
import GraftData
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import GraftVision

extension Fixture {
    /// The twelve grey pictures of `clip_use/`, as a model reads them.
    func greyPictures(on base: BaseModel) throws -> EncodedRows {
        let grey = try self["grey"]
        let folder = try TemporaryFolder()
        let header: [UInt8] = [0, 0, 8, 3] + grey.shape.flatMap { [0, 0, 0, UInt8($0)] }
        let path = folder.path + "/grey-images-idx3-ubyte"
        try Data(header + grey.bytes()).write(to: URL(filePath: path))
        let data = try ImageDataset(contentsOf: path, schema: RowSchema(.picture, target: nil))
        return try base.encoded(
            .pictures(base.prepared(data)),
            maxLength: 1,
            kind: .classification,
            labels: nil
        )
    }
}

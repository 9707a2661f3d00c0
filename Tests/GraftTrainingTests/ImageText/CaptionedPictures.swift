import Foundation
import GraftData
import GraftModels
import GraftTestSupport
import GraftTraining
import GraftVision

/// Pictures of `Tests/Fixtures/images` with captions in the words of ``TinyModel``: eight pairs of six pictures.
struct CaptionedPictures {
    /// A tiny CLIP, whose texts end with the largest id.
    let base: BaseModel
    let rows: EncodedRows

    private static let lines = [
        ("rgb.png", #""the film is good""#), ("baseline.jpg", #"["a book", "a very poor book"]"#),
        ("grey.png", #""the song was fine""#),
        ("lossy.webp", #"["not a play", "the play is bad"]"#),
        ("palette.png", #""alice""#), ("turned.png", #""bob was not very great""#),
    ]

    init() throws {
        base = try TinyModel("clip/h12").base
        let folder = try TemporaryFolder()
        let images = Fixture.folder.appending(path: "images").path(percentEncoded: false)
        let text = CaptionedPictures.lines.map { name, captions in
            #"{"image": "\#(images)/\#(name)", "captions": \#(captions)}"#
        }
        let path = folder.path + "/captions.jsonl"
        try Data(text.joined(separator: "\n").utf8).write(to: URL(filePath: path))
        let data = try ImageDataset(
            contentsOf: path,
            schema: RowSchema(.picture, target: .texts)
        )
        rows = try base.encoded(
            .pairs(ImageTextPairs(base.prepared(data))),
            maxLength: 12,
            kind: .imageText,
            labels: nil
        )
    }
}

import Foundation
import GraftData
import GraftTestSupport
import GraftVision
import Testing

@Suite("Data sets of pictures")
struct ImageDatasetTests {
    private let labelled = RowSchema(.picture, target: .category)
    private let unlabelled = RowSchema(.picture, target: nil)

    @Test(arguments: ["ustar", "gnu", "pax"])
    func `a tar archive has its folders for classes`(dialect: String) throws {
        let data = try ImageDataset(
            contentsOf: imageFolder + "/\(dialect).tar.gz",
            schema: labelled
        )
        #expect(data.count == 5)
        #expect(try LabelMap(of: data.rows).names == ["blue", "green", "red"])
        #expect(try data.rows.classes(LabelMap(of: data.rows)) == [0, 0, 1, 2, 2])
        #expect(data.rows[1].text.hasSuffix("longlong.png"))
        let (short, long) = try (data.image(0), data.image(1))
        #expect(short == long)
        #expect((short.width, short.height) == (6, 5))
    }

    @Test func `a damaged archive is refused`() throws {
        let path = imageFolder + "/ustar.tar.gz"
        let whole = try contents(ofFile: path)
        let folder = try TemporaryFolder()
        for (name, bytes, reason) in [
            ("short", Array(whole.prefix(900)), "the file ends too early"),
            (
                "changed", whole[..<512] + [UInt8](repeating: 1, count: 600),
                "the header at byte 512 has a wrong checksum"
            ),
        ] {
            let path = folder.path + "/\(name).tar"
            var bytes = bytes
            // The first file of the archive is empty, so that the next header follows at once.
            if name == "changed" { bytes.replaceSubrange(0..<512, with: emptyEntry(whole)) }
            try Data(bytes).write(to: URL(filePath: path))
            #expect(
                complaint { _ = try ImageDataset(contentsOf: path, schema: labelled) }
                    == "\(path): cannot be read: damaged tar archive: \(reason)"
            )
        }
    }

    /// A header of a file of no bytes.
    private func emptyEntry(_ archive: [UInt8]) -> [UInt8] {
        var header = Array(archive.prefix(512))
        header.replaceSubrange(124..<136, with: Array("00000000000\0".utf8))
        header.replaceSubrange(148..<156, with: [UInt8](repeating: 0x20, count: 8))
        let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
        let digits = String(repeating: "0", count: 6 - sum.count) + sum + "\0 "
        header.replaceSubrange(148..<156, with: Array(digits.utf8))
        return header
    }

    @Test func `a folder has its folders for classes`() throws {
        let folder = try pictures(["a/2.png", "a/1.jpg", "b/x.webp", "b/notes.txt"])
        let data = try ImageDataset(contentsOf: folder.path, schema: labelled)
        #expect(data.rows.map(\.text) == ["a/1.jpg", "a/2.png", "b/x.webp"])
        #expect(data.rows.map(\.target) == [.category("a"), .category("a"), .category("b")])
        #expect(try data.image(1) == ImageDecoder().decode(imageFile("rgb.png")))
        #expect(
            try ImageDataset(contentsOf: folder.path, schema: unlabelled).rows[0].target == nil
        )
    }

    @Test func `a limit leaves pictures of all classes`() throws {
        let names = ["a", "b", "c"].flatMap { name in (1...4).map { "\(name)/\($0).png" } }
        let folder = try pictures(names)
        let data = try ImageDataset(contentsOf: folder.path, schema: labelled, limit: 6)
        #expect(
            data.rows.map(\.text) == [
                "a/1.png", "a/3.png", "b/1.png", "b/3.png", "c/1.png", "c/3.png",
            ]
        )
        #expect(try ImageDataset(contentsOf: folder.path, schema: labelled, limit: 20).count == 12)
    }

    @Test func `classes may be links to folders`() throws {
        let real = try pictures(["all/a/2.png", "all/a/1.png", "all/b/1.png"])
        let folder = try pictures(["c/1.png"])
        for name in ["a", "b"] {
            try FileManager.default.createSymbolicLink(
                atPath: folder.path + "/" + name,
                withDestinationPath: real.path + "/all/" + name
            )
        }
        let data = try ImageDataset(contentsOf: folder.path, schema: labelled)
        #expect(data.rows.map(\.text) == ["a/1.png", "a/2.png", "b/1.png", "c/1.png"])
        #expect(try data.image(2) == data.image(3))
    }

    @Test func `a folder that does not tell classes is refused`() throws {
        let flat = try pictures(["1.png"])
        #expect(
            complaint { _ = try ImageDataset(contentsOf: flat.path, schema: labelled) }
                == "\(flat.path): cannot be read: '1.png' is in no folder that would be its class"
                + " (hint: the layout is <class>/<picture>)"
        )
        let splits = try pictures(["train/a/1.png", "test/a/1.png"])
        #expect(
            complaint { _ = try ImageDataset(contentsOf: splits.path, schema: labelled) }
                == "\(splits.path): cannot be read: it has pictures of several splits: test, train"
                + " (hint: give one of them)"
        )
        let empty = try pictures([])
        #expect(
            complaint { _ = try ImageDataset(contentsOf: empty.path, schema: labelled) }
                == "\(empty.path): there are no rows"
        )
    }

    @Test func `an IDX file has its labels beside it`() throws {
        let path = imageFolder + "/digits-images-idx3-ubyte.gz"
        let data = try ImageDataset(contentsOf: path, schema: labelled)
        #expect(data.rows.map(\.target) == [.category("7"), .category("0"), .category("7")])
        let image = try data.image(2)
        #expect((image.width, image.height) == (7, 6))
        let bytes = try contents(ofFile: path)
        #expect(image.pixels[0] == bytes[16 + 2 * 42] && image.pixels[2] == bytes[16 + 2 * 42])
    }

    @Test func `files named one by one have no answers`() throws {
        let paths = ["rgb.png", "baseline.jpg"].map { imageFolder + "/" + $0 }
        let data = try ImageDataset(files: paths, named: "pictures")
        #expect(data.rows.map(\.text) == paths && data.rows.allSatisfy { $0.target == nil })
        #expect(try data.image(1) == ImageDecoder().decode(imageFile("baseline.jpg")))
        #expect(
            complaint { _ = try ImageDataset(files: [], named: "pictures") }
                == "pictures: there are no rows"
        )
    }

    @Test func `pictures are told from rows by the path`() throws {
        let folder = try pictures(["a/1.png"])
        for name in [
            folder.path, "x.JPG", "x.tar", "x.tar.gz", "x.tgz", "t-images-idx3-ubyte.gz",
        ] {
            #expect(ImageDataset.isNamed(by: name), "\(name)")
        }
        for name in ["rows.jsonl", "rows.csv.gz", "rows", "t-labels-idx1-ubyte"] {
            #expect(!ImageDataset.isNamed(by: name), "\(name)")
        }
    }

    @Test func `rows name pictures beside them or in images`() throws {
        let folder = try pictures(["here.png", "images/there.jpg"])
        let path = folder.path + "/rows.jsonl"
        let lines = [
            #"{"id": 4, "image": "there.jpg", "label": "x"}"#,
            #"{"id": 5, "image": "here.png", "label": "y"}"#,
        ]
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: path))
        let data = try ImageDataset(contentsOf: path, schema: labelled)
        #expect(data.rows.map(\.id) == [.number(4), .number(5)])
        #expect(try data.image(0) == ImageDecoder().decode(imageFile("baseline.jpg")))
        #expect(try data.image(1) == ImageDecoder().decode(imageFile("rgb.png")))
    }

    @Test func `broken pictures are named, and left out on request`() throws {
        let folder = try pictures(["a/good.png", "b/fine.jpg"])
        try Data("oops".utf8).write(to: URL(filePath: folder.path + "/a/bad.png"))
        let cut = try imageFile("baseline.jpg").prefix(200)
        try Data(cut).write(to: URL(filePath: folder.path + "/b/cut.jpg"))
        let data = try ImageDataset(contentsOf: folder.path, schema: labelled)
        var processor = ImageProcessor(filter: .bilinear)
        processor.size = .exactly(width: 4, height: 3)
        let text = try #require(complaint { _ = try PreparedImages(data, processor) })
        let lines = text.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(
            lines[0] == "\(folder.path): 2 pictures cannot be read"
                + " (hint: --skip-broken leaves them out)"
        )
        #expect(lines[1].hasPrefix("  a/bad.png: not an image of a known format"))
        #expect(lines[2].hasPrefix("  b/cut.jpg: damaged JPEG file: "))
        let kept = try PreparedImages(data, processor, skippingBroken: true)
        #expect(kept.rows.map(\.text) == ["a/good.png", "b/fine.jpg"])
        #expect(kept.broken.map(\.name) == ["a/bad.png", "b/cut.jpg"])
        #expect(kept.pixels.count == 2 * 3 * 4 * 3)
        let first = try processor.prepared(ImageDecoder().decode(imageFile("rgb.png")))
        #expect(Array(kept.pixels.prefix(36)) == first.pixels)
    }

    /// A folder with drawn pictures under some names; other files say something.
    private func pictures(_ names: [String]) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let drawn = ["png": "rgb.png", "jpg": "baseline.jpg", "webp": "lossy.webp"]
        for name in names {
            let url = URL(filePath: folder.path).appending(path: name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            let bytes = try drawn[url.pathExtension].map(imageFile) ?? Array("text".utf8)
            try Data(bytes).write(to: url)
        }
        return folder
    }
}

import Foundation
import GraftData
import GraftTestSupport
import GraftVision
import Testing

/// The folder of real data sets that is beside a checkout of the project, but not part of it.
///
/// `GRAFT_SHARED_DATA` names another place.
private let sharedData: String = {
    if let path = ProcessInfo.processInfo.environment["GRAFT_SHARED_DATA"] { return path }
    let root = (0..<3).reduce(URL(filePath: #filePath)) { url, _ in
        url.deletingLastPathComponent()
    }
    return root.appending(path: "../shared/data").standardized.path(percentEncoded: false)
}()

@Suite(
    "Real pictures",
    .enabled(
        if: FileManager.default.fileExists(atPath: sharedData + "/flowers5"),
        "the shared data sets are absent; set GRAFT_SHARED_DATA to their folder"
    )
)
struct SharedImageTests {
    /// Hashes of prepared pictures: set, then processor, then eight digits a picture.
    private static let hashes: [String: [String: String]] = {
        let url = URL(filePath: imageFolder).appending(path: "shared.json")
        let data = try? Data(contentsOf: url)
        return data.flatMap { try? JSONDecoder().decode([String: [String: String]].self, from: $0) }
            ?? [:]
    }()

    // Equal pixels have a difference of 0, which is within 1/255.
    @Test(arguments: [
        ("flowers5", ["flowers5/test", "flowers5/train"], 1),
        ("flickr8k_300", ["flickr8k_300/images"], 1),
        ("cifar10", ["cifar10/test.tar.gz"], 5),
    ])
    func `are prepared bit for bit`(name: String, paths: [String], step: Int) throws {
        let schema = RowSchema(.picture, target: nil)
        let processors = try ["vit": "ViTImageProcessor", "clip": "CLIPImageProcessor"].mapValues {
            let folder = try TemporaryFolder()
            let path = folder.path + "/preprocessor_config.json"
            try Data(#"{"image_processor_type": "\#($0)"}"#.utf8).write(to: URL(filePath: path))
            return try ImageProcessor(contentsOf: path)
        }
        var found = processors.mapValues { _ in "" }
        for path in paths {
            let data = try ImageDataset(contentsOf: sharedData + "/" + path, schema: schema)
            for index in stride(from: 0, to: data.count, by: step) {
                let image = try data.image(index)
                for (kind, processor) in processors {
                    let sum = try crc32(processor.prepared(image).pixels)
                    found[kind, default: ""] += sum.map { hex($0) }.joined()
                }
            }
        }
        let expected = try #require(Self.hashes[name])
        for (kind, sums) in expected {
            let differing = zip(pieces(sums), pieces(found[kind] ?? "")).enumerated()
                .filter { $1.0 != $1.1 }.map(\.offset)
            #expect(found[kind]?.count == sums.count, "\(kind)")
            #expect(differing.isEmpty, "\(kind)")
        }
    }

    private func hex(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    private func pieces(_ sums: String) -> [Substring] {
        var (rest, pieces): (Substring, [Substring]) = (sums[...], [])
        while !rest.isEmpty {
            pieces.append(rest.prefix(8))
            rest = rest.dropFirst(8)
        }
        return pieces
    }
}

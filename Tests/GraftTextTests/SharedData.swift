import Foundation
import GraftText

/// The data sets beside the repository, which tests may use but not contain.
///
/// They are at `../shared/data`, or where `GRAFT_SHARED_DATA` says.
enum SharedData {
    static let folder: URL = {
        if let path = ProcessInfo.processInfo.environment["GRAFT_SHARED_DATA"] {
            return URL(filePath: path, directoryHint: .isDirectory)
        }
        var root = URL(filePath: #filePath)
        for _ in 0..<3 { root.deleteLastPathComponent() }
        return root.appending(path: "../shared/data", directoryHint: .isDirectory).standardized
    }()

    static var isPresent: Bool {
        FileManager.default.fileExists(atPath: vocabulary.path(percentEncoded: false))
    }

    static var vocabulary: URL {
        folder.appending(path: "tokenizers/bert_base_uncased/vocab.txt")
    }

    /// The tokenizer of BERT, from its vocabulary and a configuration.
    static func bert(_ configuration: String) throws -> any Tokenizer {
        let folder = try TemporaryFolder()
        try FileManager.default.createSymbolicLink(
            at: folder.url.appending(path: "vocab.txt"),
            withDestinationURL: vocabulary
        )
        try folder.write(configuration, to: "tokenizer_config.json")
        return try TokenizerFolder(folder.url).load()
    }

    /// The rows of a JSON lines file, compressed or not.
    static func rows<Row: Decodable>(_ name: String, as type: Row.Type) throws -> [Row] {
        let url = folder.appending(path: name)
        let data = try name.hasSuffix(".gz") ? decompressed(url) : Data(contentsOf: url)
        let decoder = JSONDecoder()
        return try data.split(separator: UInt8(ascii: "\n")).map { line in
            try decoder.decode(type, from: Data(line))
        }
    }

    static func decompressed(_ url: URL) throws -> Data {
        let (gzip, output) = (Process(), Pipe())
        gzip.executableURL = URL(filePath: "/usr/bin/env")
        gzip.arguments = ["gzip", "-dc", url.path(percentEncoded: false)]
        gzip.standardOutput = output
        try gzip.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        gzip.waitUntilExit()
        guard gzip.terminationStatus == 0 else { throw CocoaError(.fileReadCorruptFile) }
        return data
    }
}

/// A folder that goes away with its owner.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appending(path: "graft-text-\(UUID().uuidString)", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: url.appending(path: name))
    }
}

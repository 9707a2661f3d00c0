import Foundation
import GraftData
import Testing

/// The folder of real data sets that is beside a checkout of the project, but not part of it.
///
/// `GRAFT_SHARED_DATA` names another place.
private let sharedData: String = {
    if let path = ProcessInfo.processInfo.environment["GRAFT_SHARED_DATA"] { return path }
    let root = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { url, _ in
        url.deletingLastPathComponent()
    }
    return root.appendingPathComponent("../shared/data").standardized.path
}()

@Suite(
    "Real data sets",
    .enabled(
        if: FileManager.default.fileExists(atPath: sharedData),
        "the shared data sets are absent; set GRAFT_SHARED_DATA to their folder"
    )
)
struct SharedDataTests {
    @Test(arguments: [
        ("sst2/train_20k.jsonl.gz", RowSchema(.text, target: .category), 20_000, 2),
        ("mrpc/dev.jsonl.gz", RowSchema(.text, target: .category), 408, 2),
        ("clinc150/train.jsonl.gz", RowSchema(.text, target: .category), 15_000, 150),
        ("panx_ner/train.en.jsonl.gz", RowSchema(.words, target: .tags), 5_000, 7),
    ])
    func `classes`(file: String, schema: RowSchema, rows: Int, classes: Int) throws {
        let data = try Dataset(contentsOf: sharedData + "/" + file, schema: schema)
        #expect(data.count == rows)
        #expect(try LabelMap(of: data).count == classes)
    }

    @Test func `regression on pairs`() throws {
        let schema = RowSchema(.text, target: .number)
        let data = try Dataset(contentsOf: sharedData + "/stsb/dev.jsonl.gz", schema: schema)
        #expect(data.count == 1_500)
        #expect(data.hasPairs)
        #expect(data.numbers.allSatisfy { (0...5).contains($0) })
    }
}

import Foundation
import GraftTestSupport
import Testing

/// Help is part of the interface: a change of it shows in review.
///
/// `GRAFT_UPDATE_SNAPSHOTS=1 swift test` writes the snapshots anew.
@Suite struct HelpTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Snapshots")

    @Test(arguments: [
        "graft", "train", "fuse", "combine", "compare", "eval", "predict", "generate", "encode",
        "tokenize", "merge", "convert", "few-shot", "inspect", "bench",
    ])
    func `help is as reviewed`(command: String) async throws {
        let arguments = (command == "graft" ? [] : [command]) + ["--help"]
        let folder = try TemporaryFolder()
        let outcome = try await GraftCommand.run(arguments, in: folder.path)
        #expect(outcome.status == 0 && outcome.errors.isEmpty)
        let snapshot = HelpTests.folder.appending(path: command + ".txt")
        if ProcessInfo.processInfo.environment["GRAFT_UPDATE_SNAPSHOTS"] == "1" {
            try Data(outcome.output.utf8).write(to: snapshot)
        }
        let reviewed = try String(contentsOf: snapshot, encoding: .utf8)
        #expect(outcome.output == reviewed, "GRAFT_UPDATE_SNAPSHOTS=1 writes the snapshots anew")
    }

    @Test func `help of what is no command is an error that names the nearest`() async throws {
        let folder = try TemporaryFolder()
        let outcome = try await GraftCommand.run(["help", "trian"], in: folder.path)
        #expect(outcome.status == 1 && outcome.errors.contains("did you mean 'train'?"))
        let known = try await GraftCommand.run(["help", "train"], in: folder.path)
        #expect(known.status == 0 && known.output.contains("USAGE: graft train"))
    }
}

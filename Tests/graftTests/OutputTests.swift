import Foundation
import GraftTestSupport
import Testing

/// Where results go: files, links, pipes, and streams that take nothing.
@Suite struct OutputTests {
    @Test(arguments: ["predict", "encode"])
    func `what is written to a pipe or through a link leaves it there`(
        command: String
    ) async throws {
        let shop = try Workshop()
        #expect(try await shop.train(output: "a").status == 0)
        let start = [
            command, "--model", shop.model, "--adapter", "a", "--data", "eval.jsonl", "--output",
        ]
        let made = unsafe mkfifo(shop.path + "/pipe", 0o644)
        try #require(made == 0)
        // Open for both, so that neither this nor the command waits for the other end.
        let end = try FileHandle(forUpdating: URL(filePath: shop.path + "/pipe"))
        let piped = try await GraftCommand.run(start + ["pipe"], in: shop.path)
        #expect(piped.status == 0, "\(piped.errors)")
        let bytes = try end.read(upToCount: 16)
        #expect(bytes?.count == 16)

        let link = shop.path + "/link"
        try FileManager.default.createSymbolicLink(
            atPath: link,
            withDestinationPath: shop.path + "/target"
        )
        let linked = try await GraftCommand.run(start + ["link"], in: shop.path)
        #expect(linked.status == 0, "\(linked.errors)")
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: link)
                == shop.path + "/target"
        )
        #expect(try shop.bytes("target").count > 16)
        let again = try await GraftCommand.run(start + ["link"], in: shop.path)
        #expect(again.errors.contains("link: there is a file already"), "\(again.errors)")
    }

    /// Runs a command line of a shell in which `graft` is the built command.
    private func shell(_ line: String, in folder: String) throws -> (status: Int32, errors: String)
    {
        let shell = Process()
        let errors = Pipe()
        shell.executableURL = URL(filePath: "/bin/sh")
        shell.arguments = ["-c", "graft() { '\(GraftCommand.executable.path)' \"$@\"; }; \(line)"]
        shell.currentDirectoryURL = URL(filePath: folder)
        shell.standardError = errors
        try shell.run()
        let text = try errors.fileHandleForReading.readToEnd() ?? Data()
        shell.waitUntilExit()
        return (shell.terminationStatus, String(decoding: text, as: UTF8.self))
    }

    @Test(arguments: ["inspect MODEL", "inspect MODEL --json", "--help"])
    func `a result that nobody gets is one line of error`(command: String) throws {
        let shop = try Workshop()
        let line = command.replacing("MODEL", with: shop.model)
        let outcome = try shell("graft \(line) >/dev/full", in: shop.path)
        #expect(outcome.status == 1)
        #expect(
            outcome.errors.hasPrefix("graft: standard output: cannot be written: ")
                && outcome.errors.split(separator: "\n").count == 1,
            "\(outcome.errors)"
        )
    }

    @Test func `a command ends in silence when nobody reads on`() throws {
        let shop = try Workshop()
        let rows = Array(repeating: #"{"text": "the film was good"}"#, count: 40_000)
        try shop.write(rows.joined(separator: "\n"), to: "many.jsonl")
        let line = "{ graft tokenize --model '\(shop.model)' --data many.jsonl; echo $? >status; }"
        let outcome = try shell(line + " | head -1 >/dev/null", in: shop.path)
        #expect(outcome.errors.isEmpty, "\(outcome.errors)")
        #expect(String(decoding: try shop.bytes("status"), as: UTF8.self) == "141\n")
    }

    @Test func `a run does not end for want of a log`() throws {
        let shop = try Workshop()
        let line = "train --model '\(shop.model)' --train train.jsonl --epochs 1 --output kept"
        #expect(try shell("graft \(line) 2>/dev/full", in: shop.path).status == 0)
        #expect(shop.holds("kept/adapter.safetensors"))
        // Nobody reads the pipe any more; what the run came to is told in a file.
        let unread = "{ graft \(line)-2 2>&1 >/dev/null; echo $? >status; } | true"
        _ = try shell(unread, in: shop.path)
        #expect(String(decoding: try shop.bytes("status"), as: UTF8.self) == "0\n")
        #expect(shop.holds("kept-2/adapter.safetensors"))
    }
}

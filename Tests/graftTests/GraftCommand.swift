import Foundation
import Synchronization
import Testing

/// The built command, run as users run it: as a process.
enum GraftCommand {
    /// What a process left behind.
    struct Outcome {
        /// The exit status, or the signal that ended it as a negative number.
        let status: Int32
        let output: String
        let errors: String

        /// The one JSON object on the standard output.
        func json() throws -> [String: Any] {
            let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
            return try #require(value as? [String: Any], "no object: \(output)")
        }

        /// The objects on the lines of the standard output.
        func rows() throws -> [[String: Any]] {
            try output.split(separator: "\n").map { line in
                let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
                return try #require(value as? [String: Any], "no object: \(line)")
            }
        }
    }

    /// `graft` in the folder of the products, where the tests are too.
    static let executable: URL = {
        let tests = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        let sibling = tests.deletingLastPathComponent().appending(path: "graft")
        if FileManager.default.isExecutableFile(atPath: sibling.path) { return sibling }
        // `swift test` may start the tests through a helper; then the package's link leads to the products.
        let package = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return package.appending(path: ".build/release/graft")
    }()

    /// As many processes as cores, however many tests run at once: more would only wait for each other.
    private static let gate = Gate(ProcessInfo.processInfo.activeProcessorCount)

    /// Runs a command to its end.
    static func run(_ arguments: [String], in folder: String) async throws -> Outcome {
        await gate.enter()
        let outcome: Result<Outcome, any Error>
        do {
            outcome = .success(try await start(arguments, in: folder).finished())
        } catch {
            outcome = .failure(error)
        }
        await gate.leave()
        return try outcome.get()
    }

    /// Starts a command.
    static func start(_ arguments: [String], in folder: String) throws -> Running {
        try Running(arguments, folder: folder)
    }

    /// A command that runs.
    final class Running: Sendable {
        private let process: Mutex<Process>
        private let id: Int32
        private let scratch: String

        init(_ arguments: [String], folder: String) throws {
            scratch = "\(folder)/.\(UUID().uuidString)"
            for name in ["out", "err"] {
                try Data().write(to: URL(filePath: "\(scratch).\(name)"))
            }
            let process = Process()
            process.executableURL = GraftCommand.executable
            process.arguments = arguments
            process.currentDirectoryURL = URL(filePath: folder)
            process.environment = ProcessInfo.processInfo.environment.merging(
                [
                    "COLUMNS": "80", "HF_HOME": folder + "/hf",
                    "XDG_CACHE_HOME": folder + "/cache", "OMP_NUM_THREADS": "1",
                ]
            ) { $1 }
            process.standardInput = FileHandle.nullDevice
            // Files, not pipes: a pipe that nobody reads stops the writer.
            process.standardOutput = FileHandle(forWritingAtPath: "\(scratch).out")
            process.standardError = FileHandle(forWritingAtPath: "\(scratch).err")
            try process.run()
            id = process.processIdentifier
            self.process = Mutex(process)
        }

        /// What stands on the standard error so far.
        var errors: String { text("err") }

        /// Sends a signal as soon as something is true; `false` if the process ended before.
        ///
        /// On a thread of its own: tests that compute keep Swift's own threads busy for seconds.
        func send(_ signal: Int32, when condition: @escaping @Sendable () -> Bool) async -> Bool {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async { [self] in
                    while !condition() {
                        guard process.withLock(\.isRunning) else {
                            return continuation.resume(returning: false)
                        }
                        usleep(2000)
                    }
                    continuation.resume(returning: kill(id, signal) == 0)
                }
            }
        }

        /// Waits for the end.
        func finished() async throws -> Outcome {
            while process.withLock(\.isRunning) { try await Task.sleep(for: .milliseconds(2)) }
            let status = process.withLock { process in
                process.terminationReason == .exit
                    ? process.terminationStatus : -process.terminationStatus
            }
            return Outcome(status: status, output: text("out"), errors: text("err"))
        }

        private func text(_ name: String) -> String {
            let data = FileManager.default.contents(atPath: "\(scratch).\(name)") ?? Data()
            return String(decoding: data, as: UTF8.self)
        }
    }
}

/// Lets a number of tasks pass at once; the others wait in line.
private actor Gate {
    private var places: Int
    private var line: [CheckedContinuation<Void, Never>] = []

    init(_ places: Int) { self.places = places }

    func enter() async {
        guard places == 0 else {
            places -= 1
            return
        }
        await withCheckedContinuation { line.append($0) }
    }

    func leave() {
        if line.isEmpty { places += 1 } else { line.removeFirst().resume() }
    }
}

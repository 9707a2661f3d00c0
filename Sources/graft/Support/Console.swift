internal import Foundation
internal import GraftData
internal import Logging

/// The two streams of the command.
enum Console {
    /// Whether somebody watches the standard error, so that a line there may be rewritten.
    static let isTerminal = isatty(STDERR_FILENO) == 1

    /// Writes a result.
    static func out(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    /// Writes a result as one JSON object.
    static func out(_ value: JSONValue) { out(value.description) }

    /// Writes anything that is no result.
    static func error(_ text: String, terminator: String = "\n") {
        FileHandle.standardError.write(Data((text + terminator).utf8))
    }

    /// The text on one line, for errors that list several things.
    static func line(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }
            .joined(separator: "; ")
    }
}

/// Log messages as lines on the standard error, in the form that all of Graft's messages have.
struct ConsoleLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let level = event.level >= .warning ? "\(event.level): " : ""
        Console.error("graft: \(level)\(Console.line("\(event.message)"))")
    }
}

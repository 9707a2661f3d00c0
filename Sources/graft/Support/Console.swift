internal import Foundation
internal import GraftData
internal import Logging

/// The two streams of the command.
enum Console {
    /// Whether somebody watches the standard error, so that a line there may be rewritten.
    static let isTerminal = isatty(STDERR_FILENO) == 1

    /// Writes a result for people.
    static func out(_ text: String) { write(plain(text) + "\n", to: .standardOutput) }

    /// Writes a result as one JSON object.
    static func out(_ value: JSONValue) { write(value.description + "\n", to: .standardOutput) }

    /// Writes a piece of a text as it is: more follows.
    static func piece(_ text: String) { write(text, to: .standardOutput) }

    /// Writes anything that is no result.
    static func error(_ text: String, terminator: String = "\n") {
        // A reader of messages that went away ends nothing; one of results does, unless the command says otherwise.
        let handler = signal(SIGPIPE, SIG_IGN)
        write(plain(text) + terminator, to: .standardError)
        _ = signal(SIGPIPE, handler)
    }

    /// A result that nobody gets ends the command; a message that nobody gets, such as progress, does not.
    private static func write(_ text: String, to stream: FileHandle) {
        do { try stream.write(contentsOf: Data(text.utf8)) } catch {
            guard stream === FileHandle.standardOutput else { return }
            Console.error(
                "graft: standard output: cannot be written: \(error.systemReason)"
            )
            exit(1)
        }
    }

    /// Figures hang on their units by no-break spaces, which are for pages and not for pipes.
    private static func plain(_ text: String) -> String { text.replacing("\u{A0}", with: " ") }

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

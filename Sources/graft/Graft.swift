internal import ArgumentParser
internal import Foundation
internal import GraftData
internal import GraftLayers
internal import GraftTraining
internal import GraftVision

/// The command `graft`: one subcommand per file.
///
/// Results go to the standard output and nothing else does; logs, progress and errors go to the standard error. A
/// failure is one line there (bad rows have one each) and an exit status other than 0: 64 if the arguments are wrong, 130 if the run was
/// interrupted and can go on, else 1.
@main
struct Graft: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "graft",
        abstract:
            "Trains, checks and uses adapters: small trained modules inside a frozen transformer.",
        discussion: """
            A first run:

              graft train --model MiniLM --train train.jsonl --eval eval.jsonl --output runs/urgency
              graft predict --model MiniLM --adapter runs/urgency --text 'The site is down!'

            Rows are read from JSON lines, CSV or TSV, plain or gzipped: a column 'text', and 'label' where labels \
            are needed. Pictures are read from folders, tar archives and IDX files too. Every command takes --json, and --config run.yaml for settings kept in a file.
            """,
        version: version,
        subcommands: [
            Train.self, Fuse.self, Combine.self, Compare.self, Eval.self, Predict.self,
            Generate.self, Encode.self, Tokenize.self, Merge.self, Convert.self, FewShot.self,
            Inspect.self, Bench.self,
        ]
    )

    static func main() {
        let arguments = withNegativeNumbers(Array(CommandLine.arguments.dropFirst()))
        do {
            try checkCommand(arguments.first)
            if arguments.first == "help" { try checkCommand(arguments.dropFirst().first) }
            try RunFile.checkRepeated(arguments)
            var command = try parseAsRoot(RunFile.expanded(arguments))
            try command.run()
        } catch {
            Foundation.exit(report(error, arguments: arguments))
        }
    }

    /// `--limit -1` as `--limit=-1`: ArgumentParser would take the number for an option, and miss the value.
    private static func withNegativeNumbers(_ arguments: [String]) -> [String] {
        arguments.reduce(into: []) { result, argument in
            let isNumber = argument.hasPrefix("-") && Double(argument) != nil
            guard isNumber, let last = result.last, last.hasPrefix("--"), last != "--",
                !last.contains("=")
            else {
                return result.append(argument)
            }
            result[result.count - 1] = "\(last)=\(argument)"
        }
    }

    /// The names of the commands.
    private static var names: [String] {
        configuration.subcommands.compactMap { $0.configuration.commandName }
    }

    /// Confirms that there is a command of that name.
    ///
    /// - Throws: ``CommandError`` that suggests the nearest one.
    private static func checkCommand(_ name: String?) throws(CommandError) {
        guard let name, !name.hasPrefix("-"), name != "help", !names.contains(name) else { return }
        let near = names.nearest(to: name).map { "did you mean '\($0)'?" }
        throw CommandError(
            "'\(name)' is no command",
            hint: near ?? "there are \(names.joined(separator: ", "))"
        )
    }

    /// Says what ended the command.
    ///
    /// - Returns: The exit status.
    private static func report(_ error: any Error, arguments: [String]) -> Int32 {
        let status = exitCode(for: error)
        if status.isSuccess {
            // Help and version arrive as errors.
            Console.out(fullMessage(for: error))
            return status.rawValue
        }
        let message = status == .validationFailure ? message(for: error) : "\(error)"
        // Several bad rows are a line each; everything else is one line.
        let isList = error is DataError || error is BrokenImagesError
        var line = isList ? message : Console.line(message)
        if status == .validationFailure, !line.contains("(hint:") {
            let command = arguments.first.flatMap { names.contains($0) ? $0 + " " : nil } ?? ""
            line += " (hint: graft \(command)--help)"
        }
        Console.error("graft: " + line)
        if let error = error as? TrainingError, case .interrupted = error { return 130 }
        if let error = error as? CommandError { return error.status }
        return status.rawValue
    }
}

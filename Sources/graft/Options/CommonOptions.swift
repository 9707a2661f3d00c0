internal import ArgumentParser
internal import Logging

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Flag(help: "Print one JSON object (rows: one per line) on the standard output.")
    var json = false

    @Flag(help: "Show no progress and log warnings only.")
    var quiet = false

    // Read by RunFile before the arguments are parsed; declared here so that help shows it.
    @Option(
        help: ArgumentHelp(
            "Settings from a YAML file: long option names as keys; arguments override it.",
            valueName: "run.yaml"
        )
    )
    var config: String?

    /// Logs a warning, if there is one.
    func warn(_ text: String?) {
        if let text { logger.warning("\(text)") }
    }

    /// Where a command logs to.
    var logger: Logger {
        let level: Logger.Level = quiet ? .warning : .info
        return Logger(label: "graft", factory: { _ in ConsoleLog(logLevel: level) })
    }
}

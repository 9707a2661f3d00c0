internal import ArgumentParser

/// Which rows are learned from, and which are scored.
struct TrainingFiles: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The rows to learn from: a file; for pictures also a folder, a tar archive or an IDX file.",
            valueName: "file"
        )
    )
    var train: String

    @Option(
        name: .customLong("eval"),
        help: ArgumentHelp("The rows to score on.", valueName: "file")
    )
    var evaluation: String?

    @Option(
        help:
            "Read at most this many training rows: the first; of pictures in folders and archives, evenly spread."
    )
    var limit: Int?

    @Option(help: "Read at most this many evaluation rows.")
    var evalLimit: Int?

    func validate() throws {
        try checkCounts(["limit": limit, "eval-limit": evalLimit])
        guard evalLimit == nil || evaluation != nil else {
            throw ValidationError("--eval-limit needs --eval")
        }
    }
}

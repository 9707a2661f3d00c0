internal import ArgumentParser

/// How many rows are read.
struct RowLimit: ParsableArguments {
    @Option(
        help:
            "Read at most this many rows: the first; of pictures in folders and archives, evenly spread."
    )
    var limit: Int?

    func validate() throws { try checkCounts(["limit": limit]) }

    /// Confirms that there is a file to limit, where rows may come from arguments instead.
    func check(file: String?) throws {
        guard limit == nil || file != nil else {
            throw ValidationError("--limit goes with --data")
        }
    }
}

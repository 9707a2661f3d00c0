internal import GraftFormats
internal import GraftModels
internal import GraftTraining

/// Says which rows were cut to the longest that is read.
enum CutRows {
    /// What the user should know about some rows.
    ///
    /// - Parameters:
    ///   - rows: The rows.
    ///   - limit: The longest row in tokens.
    ///   - path: Where they are from.
    ///   - reader: What says how long a row may be, as `--max-length`.
    /// - Returns: A line, or `nil` if none fills the tokens.
    static func warning(
        _ rows: EncodedRows,
        limit: Int,
        path: String,
        of reader: String
    ) -> String? {
        // A context that is longer than a window is read in several, and nothing is cut.
        guard rows.windows == nil else { return nil }
        let full = (0..<rows.count).count { rows.limitedLength($0) >= limit }
        let line = warning(full, of: rows.count, "rows", limit: limit, path: path, of: reader)
        // Words that were cut have no prediction that could be right or wrong.
        if case .tags = rows.targets { return line.map { $0 + ", and no score counts it" } }
        return line
    }

    /// As above, of the texts that answer the rows.
    static func warning(
        targetsOf rows: EncodedRows,
        _ kind: HeadKind,
        _ reading: ReadingOptions,
        path: String,
        of reader: String
    ) -> String? {
        // What goes on from a row is a part of it.
        guard kind == .seq2seq, case .tokens(let targets) = rows.targets else { return nil }
        let limit = reading.targetLength
        let full = (0..<rows.count).count { targets.count($0) >= limit }
        return warning(full, of: rows.count, "targets", limit: limit, path: path, of: reader)
    }

    /// As above, of what was counted.
    static func warning(
        _ full: Int,
        of count: Int,
        _ what: String,
        limit: Int,
        path: String,
        of reader: String
    ) -> String? {
        guard full > 0 else { return nil }
        return
            "\(path): \(Figures.count(full)) of \(Figures.count(count)) \(what) fill the \(limit) tokens of"
            + " \(reader); what lies beyond is cut"
    }
}

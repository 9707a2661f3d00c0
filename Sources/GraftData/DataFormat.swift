private import Foundation

/// How the rows of a data file are written.
///
/// The format follows from the file's name; whether the file is gzip-compressed follows from its first
/// two bytes, which no UTF-8 text can begin with. A name that ends in `.txt` could be anything and is
/// therefore not recognised: say which format it is.
public enum DataFormat: String, Sendable, Hashable, Codable, CaseIterable {
    /// One JSON object per line; blank lines are skipped.
    case jsonLines = "jsonl"
    /// A JSON array of objects, or JSON lines if the file does not begin with `[`.
    ///
    /// An array is held in memory while it is read; prefer lines for large files.
    case json
    /// Comma-separated values with a header row, quoted as in RFC 4180.
    case csv
    /// Tab-separated values with a header row and no quoting, as GLUE's files: a quote is a character.
    case tsv
    /// Tab-separated values with a header row and the quoting of RFC 4180.
    case quotedTSV = "quoted-tsv"

    /// Recognises the format by the end of a file's name, disregarding case and `.gz`.
    ///
    /// - Parameter path: The file's path; the file is not opened.
    /// - Throws: ``DataError/unknownFormat(path:)``.
    public init(path: String) throws(DataError) {
        var parts = path.split(separator: "/").last?.lowercased().split(separator: ".") ?? []
        if parts.last == "gz" { parts.removeLast() }
        switch parts.count > 1 ? parts.last : nil {
        case "jsonl", "ndjson": self = .jsonLines
        case "json": self = .json
        case "csv": self = .csv
        case "tsv": self = .tsv
        default: throw .unknownFormat(path: path)
        }
    }
}

/// A failure to read or write a data file, told so that its owner can mend it.
///
/// Nothing about a data file is guessed: a row that cannot be read is never skipped in silence, because
/// a metric over "most of the file" looks just like one over all of it. Rows with problems are gathered
/// while the rest of the file is read, so that one run shows them together (``badRows(path:problems:total:)``);
/// everything else stops the reading at once.
///
/// The description is one line, except for several bad rows: then its first line is the summary and
/// each further line names one row as `path:line: problem`.
public enum DataError: Error, Sendable, Hashable {
    /// The file is missing, a folder, or the system refused to read it.
    case unreadable(path: String, reason: String)
    /// The file cannot be written.
    case unwritable(path: String, reason: String)
    /// The file's name does not say which format it has.
    case unknownFormat(path: String)
    /// The gzip data is cut short or damaged.
    case damagedGzip(path: String, reason: String)
    /// The header row, or the file's first bytes, rule out that rows can be read at all.
    case malformed(path: String, line: Int, reason: String)
    /// A column is not there; `option` is the setting that names another one.
    case missingColumn(
        path: String,
        line: Int,
        column: String,
        option: String,
        available: [String]
    )
    /// The file has no rows.
    case noRows(path: String)
    /// Rows that cannot be read: the first ten, and how many there are.
    case badRows(path: String, problems: [RowProblem], total: Int)
    /// A list of label names that cannot number classes.
    case labelNames(reason: String)
}

/// What is wrong with one row.
public struct RowProblem: Sendable, Hashable {
    /// The line of the file on which the row begins, from one.
    public let line: Int
    /// What is wrong, and if it helps, where in the line.
    public let message: String
}

extension DataError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let path, let reason):
            return "\(path): cannot be read: \(reason)"
        case .unwritable(let path, let reason):
            return "\(path): cannot be written: \(reason)"
        case .unknownFormat(let path):
            let known = DataFormat.allCases.map(\.rawValue).joined(separator: ", ")
            return
                "\(path): the name does not tell the format (hint: end it in .jsonl, .json, .csv "
                + "or .tsv, optionally with .gz, or give --format: \(known))"
        case .damagedGzip(let path, let reason):
            return "\(path): damaged gzip data: \(reason) (hint: copy or download the file again)"
        case .malformed(let path, let line, let reason):
            return "\(path):\(line): \(reason)"
        case .missingColumn(let path, let line, let column, let option, let available):
            let list = quotedList(available, limit: 30)
            return "\(path):\(line): no column '\(column)'; there is \(list) "
                + "(hint: choose one with \(option))"
        case .noRows(let path):
            return "\(path): there are no rows"
        case .badRows(let path, let problems, let total):
            return Self.describe(problems, of: total, in: path)
        case .labelNames(let reason):
            return "label names: \(reason)"
        }
    }

    private static func describe(_ problems: [RowProblem], of total: Int, in path: String) -> String
    {
        let lines = problems.map { "\(path):\($0.line): \($0.message)" }
        guard total > 1 else { return lines.joined() }
        let rest = total > lines.count ? ["  ... and \(total - lines.count) more"] : []
        return (["\(path): \(total) rows have problems"] + lines.map { "  " + $0 } + rest)
            .joined(separator: "\n")
    }
}

/// Gathers the problems of a file's rows, keeping the first ten and the count of all.
struct ProblemLog {
    private static let limit = 10

    private let path: String
    private var problems: [RowProblem] = []
    /// How many were recorded.
    private(set) var total = 0

    init(path: String) { self.path = path }

    mutating func record(line: Int, _ message: String) {
        total += 1
        if problems.count < Self.limit {
            problems.append(RowProblem(line: line, message: message))
        }
    }

    func throwIfAny() throws(DataError) {
        guard total == 0 else {
            throw DataError.badRows(path: path, problems: problems, total: total)
        }
    }
}

/// Writes names as `'a', 'b', 'c' and 7 more`.
func quotedList(_ names: [String], limit: Int) -> String {
    guard !names.isEmpty else { return "nothing" }
    let shown = names.prefix(limit).map { "'\($0)'" }.joined(separator: ", ")
    return names.count > limit ? "\(shown) and \(names.count - limit) more" : shown
}

/// Reads the rows of one file, gathering the problems of all rows before it throws.
///
/// The first readable row (or the header) settles which columns there are; from then on only those that the
/// schema wants are looked at. ``RowReader+JSON`` and ``RowReader+Delimited`` know the two kinds of files.
struct RowReader {
    let path: String
    let schema: RowSchema
    let limit: Int
    var records: RecordReader
    var problems: ProblemLog
    private(set) var store = RowStore()

    init(
        _ source: any ByteSource,
        path: String,
        schema: RowSchema,
        limit: Int?
    ) throws(DataError) {
        (self.path, self.schema) = (path, schema)
        self.limit = limit ?? .max
        records = try RecordReader(source, path: path)
        problems = ProblemLog(path: path)
    }

    mutating func read(_ format: DataFormat) throws(DataError) -> RowStore {
        if let text = DelimitedText(format) {
            try readDelimited(text)
        } else if format == .json, records.firstVisibleByte == UInt8(ascii: "[") {
            try readArray()
        } else {
            try readLines()
        }
        try problems.throwIfAny()
        return store
    }

    func columns(_ available: [String], line: Int) throws(DataError) -> ResolvedColumns {
        try ResolvedColumns(schema, available: available, path: path, line: line)
    }

    /// Whether no more rows are asked for, those with problems included.
    var isFull: Bool { store.count + problems.total >= limit }

    /// Adds the row that a file's values make, or notes why they make none.
    mutating func add(_ fields: RowFields, line: Int, _ checker: RowChecker) {
        do throws(RowChecker.Problem) {
            store.append(try checker.row(fields, line: line))
        } catch {
            problems.record(line: line, error.message)
        }
    }

    /// Notes a problem and returns false if the record is not UTF-8.
    mutating func isUTF8(_ record: RecordReader.Record) -> Bool {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: record.bytes.span)
            return true
        } catch {
            let before = record.bytes.prefix(error.byteOffsets.lowerBound)
            let line = record.line + before.count { $0 == .lineFeed }
            let start = before.lastIndex(of: .lineFeed).map { $0 + 1 } ?? before.startIndex
            let byte = before.endIndex - start + 1
            problems.record(
                line: line,
                "byte \(byte) is not UTF-8 (hint: convert the file to UTF-8)"
            )
            return false
        }
    }
}

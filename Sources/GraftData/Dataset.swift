/// Labelled or unlabelled rows of a file, in memory and in the file's order.
///
/// The file is read as a stream and its rows are kept compactly (see ``byteCount``); a ``Row`` is made when
/// it is asked for. A data set never changes, so any number of tasks may read it at once.
///
/// ```swift
/// let schema = RowSchema(.text, target: .category)
/// let train = try Dataset(contentsOf: "train.jsonl.gz", schema: schema)
/// let labels = try LabelMap(of: train)
/// let classes = try train.classes(labels)
/// ```
public struct Dataset: Sendable, RandomAccessCollection {
    /// The file, as errors name it.
    public let path: String
    /// What was read of each row.
    public let schema: RowSchema

    let store: RowStore

    /// Reads a data file, plain or compressed with gzip.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - schema: What to read of each row.
    ///   - format: How rows are written; nil to go by the file's name.
    ///   - limit: How many rows to read at most; nil for all. Later rows are not checked.
    /// - Throws: ``DataError``. Rows that cannot be read are reported together.
    public init(
        contentsOf path: String,
        schema: RowSchema,
        format: DataFormat? = nil,
        limit: Int? = nil
    ) throws(DataError) {
        let source = try FileSource(path: path)
        let format = if let format { format } else { try DataFormat(path: path) }
        try self.init(source, path: path, schema: schema, format: format, limit: limit)
    }

    /// Reads rows from bytes that are already in memory, plain or compressed with gzip.
    ///
    /// - Parameters:
    ///   - contents: What a data file would contain.
    ///   - name: What errors call the source, as they would a path.
    ///   - schema: What to read of each row.
    ///   - format: How rows are written.
    ///   - limit: How many rows to read at most; nil for all.
    /// - Throws: ``DataError``, as when reading a file.
    public init(
        parsing contents: [UInt8],
        named name: String,
        schema: RowSchema,
        format: DataFormat,
        limit: Int? = nil
    ) throws(DataError) {
        let source = MemorySource(contents)
        try self.init(source, path: name, schema: schema, format: format, limit: limit)
    }

    private init(
        _ source: any ByteSource,
        path: String,
        schema: RowSchema,
        format: DataFormat,
        limit: Int?
    ) throws(DataError) {
        var reader = try RowReader(source, path: path, schema: schema, limit: limit)
        store = try reader.read(format)
        (self.path, self.schema) = (path, schema)
        guard store.count > 0 || limit == 0 else { throw .noRows(path: path) }
    }

    /// Gathers rows that do not lie in a file of rows, such as those that a folder's files make.
    ///
    /// - Parameters:
    ///   - rows: What ``schema`` asks for, each with the same parts.
    ///   - path: What errors call the source.
    ///   - schema: What the rows hold.
    /// - Throws: ``DataError/noRows(path:)`` if there are none.
    package init(
        _ rows: some Sequence<Row>,
        path: String,
        schema: RowSchema
    ) throws(DataError) {
        var store = RowStore()
        for row in rows {
            let input: CheckedRow.Input =
                switch schema.input {
                case .words: .words(row.words ?? [])
                case .writing: row.messages.map { .messages($0) } ?? .writing(row.text)
                case .text, .picture, .question: .text(row.text, pair: row.pair)
                case .choices: .choices(row.text, row.choices ?? [])
                }
            store.append(CheckedRow(line: row.line, id: row.id, input: input, target: row.target))
        }
        guard store.count > 0 else { throw .noRows(path: path) }
        (self.store, self.path, self.schema) = (store, path, schema)
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { store.count }

    public subscript(index: Int) -> Row {
        precondition(indices.contains(index), "row \(index) of \(count)")
        return store.row(index, schema: schema)
    }

    /// What errors call a row: the file and the line on which the row begins.
    public func place(of row: Row) -> String { "\(path):\(row.line)" }

    /// Whether every row has a second text.
    public var hasPairs: Bool { store.pairs.count > 0 }

    /// The memory that the rows take, in bytes.
    public var byteCount: Int { store.byteCount }

    /// The numbers to predict, one per row; empty unless the schema's target is a number.
    public var numbers: [Double] { schema.target == .number ? store.numbers : [] }
}

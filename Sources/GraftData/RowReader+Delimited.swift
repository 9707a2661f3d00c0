extension RowReader {
    /// Reads rows of fields under a header row; blank lines are skipped.
    mutating func readDelimited(_ text: DelimitedText) throws(DataError) {
        guard let (header, line) = try readHeader(text) else { return }
        let columns = try self.columns(header, line: line)
        let checker = RowChecker(schema, columns, isDelimited: true)
        let (first, second) = (
            header.firstIndex(of: columns.text), columns.pair.flatMap(header.firstIndex)
        )
        let (label, id) = (
            columns.label.flatMap(header.firstIndex), columns.id.flatMap(header.firstIndex)
        )
        while !isFull, let record = try records.next(text.boundary) {
            if record.bytes.isEmpty || !isUTF8(record) { continue }
            guard !record.endsInQuotes else {
                problems.record(line: record.line, "a quote opened in this row is never closed")
                continue
            }
            do throws(DelimitedText.Failure) {
                let fields = try text.fields(of: record.bytes)
                guard fields.count == header.count else {
                    let count = fields.count == 1 ? "1 field" : "\(fields.count) fields"
                    problems.record(
                        line: record.line,
                        "\(count) where the header has \(header.count)"
                    )
                    continue
                }
                func value(_ index: Int?) -> JSONValue? { index.map { .string(fields[$0]) } }
                let values = RowFields(
                    text: value(first),
                    pair: value(second),
                    label: value(label),
                    id: value(id)
                )
                add(values, line: record.line, checker)
            } catch {
                problems.record(line: record.line, error.reason)
            }
        }
    }

    private mutating func readHeader(
        _ text: DelimitedText
    ) throws(DataError) -> (names: [String], line: Int)? {
        var next = try records.next(text.boundary)
        while let record = next, record.bytes.isEmpty { next = try records.next(text.boundary) }
        guard let record = next else { return nil }
        guard isUTF8(record) else { return nil }
        let names: [String]
        do throws(DelimitedText.Failure) {
            names = try text.fields(of: record.bytes)
        } catch {
            throw .malformed(path: path, line: record.line, reason: "header: \(error.reason)")
        }
        var seen: Set<String> = []
        if let twice = names.first(where: { !seen.insert($0).inserted }) {
            throw .malformed(
                path: path,
                line: record.line,
                reason: "the header names column '\(twice)' twice"
            )
        }
        return (names, record.line)
    }
}

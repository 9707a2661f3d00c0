extension RowReader {
    /// Reads one object per line.
    mutating func readLines() throws(DataError) {
        var columns: ResolvedColumns?
        var checker: RowChecker?
        while !isFull, let record = try records.next(.lineFeed) {
            if record.bytes.allSatisfy(isJSONSpace) || !isUTF8(record) { continue }
            var scanner = JSONScanner(record.bytes)
            if columns == nil, let available = scanner.memberNamesAhead() {
                let found = try self.columns(available, line: record.line)
                (columns, checker) = (found, RowChecker(schema, found, isDelimited: false))
            }
            do throws(JSONScanner.Failure) {
                let fields = try scanner.fields(columns)
                try scanner.finish()
                add(fields, line: record.line, checker)
            } catch {
                note(error, in: record)
            }
        }
    }

    /// Reads an array of objects, which is held in memory meanwhile.
    ///
    /// After a syntax error there is no telling where the next row begins, so it is the last problem reported.
    mutating func readArray() throws(DataError) {
        let record = try records.rest()
        guard isUTF8(record) else { return }
        var scanner = JSONScanner(record.bytes)
        guard let available = scanner.firstElementNamesAhead() else {
            return readRows(of: &scanner, in: record, nil)
        }
        let columns = try self.columns(available, line: record.line)
        readRows(of: &scanner, in: record, columns)
    }

    private mutating func readRows(
        of scanner: inout JSONScanner,
        in record: RecordReader.Record,
        _ columns: ResolvedColumns?
    ) {
        let checker = columns.map { RowChecker(schema, $0, isDelimited: false) }
        var (line, counted) = (record.line, record.bytes.startIndex)
        do throws(JSONScanner.Failure) {
            try scanner.array { scanner throws(JSONScanner.Failure) in
                if isFull { return try scanner.skipValue() }
                line += record.bytes[counted..<scanner.position].count { $0 == .lineFeed }
                counted = scanner.position
                add(try scanner.fields(columns), line: line, checker)
            }
            try scanner.finish()
        } catch {
            note(error, in: record)
        }
    }

    private mutating func add(_ fields: JSONFields, line: Int, _ checker: RowChecker?) {
        if let problem = fields.problem {
            problems.record(line: line, problem)
        } else if let checker {
            add(fields.values, line: line, checker)
        }
    }

    /// Notes where a record is not JSON, counting columns in characters from one.
    private mutating func note(_ failure: JSONScanner.Failure, in record: RecordReader.Record) {
        let before = record.bytes[..<failure.position]
        let line = record.line + before.count { $0 == .lineFeed }
        let start = before.lastIndex(of: .lineFeed).map { $0 + 1 } ?? before.startIndex
        let column = String(decoding: before[start...], as: UTF8.self).unicodeScalars.count + 1
        problems.record(line: line, "invalid JSON at column \(column): \(failure.reason)")
    }
}

/// The columns of an object that is JSON, and what is wrong with it all the same.
private struct JSONFields {
    var values = RowFields()
    var problem: String?

    mutating func set(
        _ field: WritableKeyPath<RowFields, JSONValue?>,
        _ value: JSONValue,
        _ name: String
    ) {
        if values[keyPath: field] != nil { problem = problem ?? "'\(name)' appears twice" }
        values[keyPath: field] = value
    }
}

extension JSONScanner {
    /// Reads an object's columns and moves past its other members.
    fileprivate mutating func fields(_ columns: ResolvedColumns?) throws(Failure) -> JSONFields {
        var fields = JSONFields()
        guard try peek() == UInt8(ascii: "{") else {
            fields.problem = "\(try value().kind) where an object is wanted"
            return fields
        }
        try object { name, scanner throws(Failure) in
            guard let columns, columns.contains(name) else {
                return try scanner.skipValue(depth: 1)
            }
            let value = try scanner.value(depth: 1)
            if name == columns.text { fields.set(\.text, value, name) }
            if name == columns.pair { fields.set(\.pair, value, name) }
            if name == columns.label { fields.set(\.label, value, name) }
            if name == columns.id { fields.set(\.id, value, name) }
            if columns.absent.contains(name) {
                fields.problem = fields.problem ?? "there is a '\(name)', which the first row lacks"
            }
        }
        return fields
    }

    /// The names of the members of the object that comes next; nil if none does.
    fileprivate func memberNamesAhead() -> [String]? {
        var ahead = self
        var names: [String] = []
        do throws(Failure) {
            try ahead.object { name, scanner throws(Failure) in
                names.append(name)
                try scanner.skipValue(depth: 1)
            }
            return names
        } catch {
            return nil
        }
    }

    /// The names of the members of the first object in the array that comes next.
    fileprivate func firstElementNamesAhead() -> [String]? {
        var ahead = self
        do throws(Failure) {
            try ahead.expect("[")
            return ahead.memberNamesAhead()
        } catch {
            return nil
        }
    }
}

/// The values of a row's columns as the file gives them; nil where the row has none.
struct RowFields {
    var text: JSONValue?
    var pair: JSONValue?
    var label: JSONValue?
    var id: JSONValue?
}

/// Turns the values of a file's columns into rows, or says what is wrong with them.
struct RowChecker {
    /// Why a row cannot be used.
    struct Problem: Error {
        let message: String
    }

    private let schema: RowSchema
    let columns: ResolvedColumns
    /// Whether fields come from CSV or TSV, where everything is text and lists are written in one field.
    private let isDelimited: Bool

    init(_ schema: RowSchema, _ columns: ResolvedColumns, isDelimited: Bool) {
        (self.schema, self.columns, self.isDelimited) = (schema, columns, isDelimited)
    }

    func row(_ fields: RowFields, line: Int) throws(Problem) -> CheckedRow {
        let input: CheckedRow.Input
        switch schema.input {
        case .text, .picture, .question:
            let text = try string(fields.text, in: columns.text)
            var pair: String?
            if let column = columns.pair { pair = try string(fields.pair, in: column) }
            input = .text(text, pair: pair)
        case .words:
            let words = try list(fields.text, in: columns.text, separator: " ")
            input = .words(
                try words.map { word throws(Problem) in try string(word, in: columns.text) }
            )
        case .writing:
            input = try writing(fields.text)
        case .choices:
            let text = try string(fields.text, in: columns.text)
            input = .choices(text, try choices(fields.pair))
        }
        var id: RowID?
        if let column = columns.id { id = try identifier(fields.id, in: column) }
        let target = try self.target(fields.label)
        if case .messages = input, target != nil {
            throw Problem(message: "a conversation has no completion of its own")
        }
        if case .choices(_, let choices) = input, case .choice(let number) = target,
            !choices.indices.contains(number)
        {
            throw Problem(message: "there is no choice \(number) (of \(choices.count), from 0)")
        }
        if case .words(let words) = input {
            guard !words.isEmpty else { throw Problem(message: "'\(columns.text)' is empty") }
            if case .tags(let tags) = target, tags.count != words.count {
                throw Problem(message: "\(tags.count) tags for \(words.count) words")
            }
        }
        return CheckedRow(line: line, id: id, input: input, target: target)
    }

    private func target(_ value: JSONValue?) throws(Problem) -> RowTarget? {
        guard let kind = schema.target, let column = columns.label else { return nil }
        switch kind {
        case .category: return .category(try label(value, in: column))
        case .categories:
            let names = try labels(value, in: column, separator: ",")
            guard Set(names).count == names.count else {
                throw Problem(message: "'\(column)' names a class twice")
            }
            return .categories(names)
        case .number: return .number(try number(value, in: column))
        case .tags: return .tags(try labels(value, in: column, separator: " "))
        case .text: return .text(try string(value, in: column))
        case .texts: return .texts(try texts(value, in: column))
        case .spans: return .spans(try spans(value, in: column))
        case .choice:
            let number = try number(value, in: column)
            guard let index = Int(exactly: number) else {
                throw Problem(message: "'\(column)' is \(number) where a choice's number is wanted")
            }
            return .choice(index)
        }
    }

    /// A text, or a conversation of messages with a role and a content each.
    private func writing(_ value: JSONValue?) throws(Problem) -> CheckedRow.Input {
        let column = columns.text
        let value = try present(value, in: column)
        switch value {
        case .string where column == "messages":
            throw mismatch(value, in: column, wanted: "an array of messages")
        case .string(let text): return .writing(text)
        case .array(let elements) where !elements.isEmpty:
            return .messages(
                try elements.map { element throws(Problem) in try message(element, in: column) }
            )
        case .array: throw Problem(message: "'\(column)' is empty")
        default: throw mismatch(value, in: column, wanted: "a string or an array of messages")
        }
    }

    private func message(_ value: JSONValue, in column: String) throws(Problem) -> RowMessage {
        guard case .object(let members) = value else {
            throw mismatch(value, in: column, wanted: "a message with a role and a content")
        }
        func text(_ name: String) throws(Problem) -> String {
            let found = members.filter { $0.name == name }
            guard found.count == 1, case .string(let text) = found[0].value else {
                throw Problem(message: "a message of '\(column)' needs one '\(name)', a string")
            }
            return text
        }
        if let other = members.first(where: { !["role", "content"].contains($0.name) }) {
            throw Problem(
                message: "a message of '\(column)' has '\(other.name)', which is not read"
                    + " (hint: messages have a role and a content)"
            )
        }
        return RowMessage(role: try text("role"), content: try text("content"))
    }

    func present(_ value: JSONValue?, in column: String) throws(Problem) -> JSONValue {
        guard let value else { throw Problem(message: "'\(column)' is missing") }
        guard value != .null else { throw Problem(message: "'\(column)' is null") }
        return value
    }

    func mismatch(_ value: JSONValue, in column: String, wanted: String) -> Problem {
        Problem(message: "'\(column)' is \(value.kind) where \(wanted) is wanted")
    }

    func string(_ value: JSONValue?, in column: String) throws(Problem) -> String {
        let value = try present(value, in: column)
        guard case .string(let text) = value else {
            throw mismatch(value, in: column, wanted: "a string")
        }
        return text
    }

    /// The strings of an array that is not empty, or the one string.
    private func texts(_ value: JSONValue?, in column: String) throws(Problem) -> [String] {
        guard case .array(let elements) = try present(value, in: column) else {
            return [try string(value, in: column)]
        }
        guard !elements.isEmpty else { throw Problem(message: "'\(column)' is empty") }
        return try elements.map { element throws(Problem) in try string(element, in: column) }
    }

    private func label(_ value: JSONValue?, in column: String) throws(Problem) -> String {
        let value = try present(value, in: column)
        switch value {
        case .integer(let number): return String(number)
        case .number(let number):
            // Tables that once held a gap write whole numbers as 1.0.
            if let whole = Int(exactly: number) { return String(whole) }
            throw Problem(
                message: "'\(column)' is \(number), but a class is a name or a whole number "
                    + "(hint: is the task regression?)"
            )
        case .bool(let flag): return String(flag)
        case .string(let name) where !name.isEmpty: return name
        case .string: throw Problem(message: "'\(column)' is empty")
        case .array, .object, .null:
            throw mismatch(value, in: column, wanted: "a name or a whole number")
        }
    }

    private func labels(
        _ value: JSONValue?,
        in column: String,
        separator: Character
    ) throws(Problem) -> [String] {
        try list(value, in: column, separator: separator).map { element throws(Problem) in
            try label(element, in: column)
        }
    }

    /// The elements of an array; from a delimited file, the parts of a field.
    private func list(
        _ value: JSONValue?,
        in column: String,
        separator: Character
    ) throws(Problem) -> [JSONValue] {
        let value = try present(value, in: column)
        switch value {
        case .array(let elements): return elements
        case .string(let field) where isDelimited:
            return field.split(separator: separator).map { .string(String($0)) }
        default: throw mismatch(value, in: column, wanted: "an array")
        }
    }

    private func number(_ value: JSONValue?, in column: String) throws(Problem) -> Double {
        let value = try present(value, in: column)
        switch value {
        case .integer(let number): return Double(number)
        case .number(let number): return number
        case .string(let field) where isDelimited:
            // `Double` would also read hexadecimal numbers, infinity and not-a-number.
            let isPlain = field.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) }
            guard isPlain, let number = Double(field), number.isFinite else {
                throw Problem(message: "'\(column)' is '\(field)' where a number is wanted")
            }
            return number
        default: throw mismatch(value, in: column, wanted: "a number")
        }
    }

    private func identifier(_ value: JSONValue?, in column: String) throws(Problem) -> RowID {
        let value = try present(value, in: column)
        switch value {
        case .integer(let number): return .number(number)
        case .string(let name): return isDelimited ? RowID(field: name) : .name(name)
        default: throw mismatch(value, in: column, wanted: "a whole number or a string")
        }
    }
}

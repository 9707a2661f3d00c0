internal import GraftData
internal import GraftTraining

/// What is known about something on disk: figures by name, and what it consists of.
struct Inspection {
    /// Figures, in the order in which they are told.
    var facts: [JSONValue.Member]
    /// The name and the rows of its parts: sites, tensors.
    var parts: (name: String, rows: [[JSONValue.Member]])

    /// As one object.
    var json: JSONValue {
        .object(facts + [.init(parts.name, .array(parts.rows.map { .object($0) }))])
    }

    /// As tables.
    var text: String {
        let head = Table(rows: facts.map { [$0.name.replacing("_", with: " "), $0.value.plain] })
        guard let first = parts.rows.first else { return head.text }
        let numbers = first.indices.filter {
            if case .integer = first[$0].value { true } else { false }
        }
        let table = Table(
            rows: [first.map(\.name)] + parts.rows.map { $0.map(\.value.plain) },
            rightAligned: Set(numbers)
        )
        return head.text + "\n\n" + table.text
    }
}

extension JSONValue {
    /// The value as people read it.
    fileprivate var plain: String {
        switch self {
        case .string(let text): text
        case .integer(let number): Figures.count(number)
        case .array(let values): values.map(\.plain).joined(separator: ", ")
        case .object(let members):
            members.map { "\($0.name) \($0.value.plain)" }.joined(separator: ", ")
        case .null, .bool, .number: description
        }
    }
}

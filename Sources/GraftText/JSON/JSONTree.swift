/// A JSON value as it stands in a file, members of objects in order and with repeats.
///
/// Foundation's readers give dictionaries keyed by `String`, in which canonically equivalent keys are
/// one and the same. Vocabularies hold such keys: `"é"` as one scalar and as two are different
/// tokens. This tree keeps both.
enum JSONTree: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONTree])
    case object([Member])

    /// A name and its value.
    struct Member: Sendable, Hashable {
        let name: String
        let value: JSONTree
    }

    /// What the value is, for messages.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// A value as it stands in a configuration, read only to be quoted in an error.
indirect enum FoundValue: Decodable, Sendable, CustomStringConvertible {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case list([FoundValue])
    case object([String: FoundValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([FoundValue].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: FoundValue].self))
        }
    }

    var description: String {
        switch self {
        case .null: "null"
        case .boolean(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value) where value.count > 60:
            "\(String(value.prefix(60)).debugDescription)…"
        case .string(let value): value.debugDescription
        case .list(let values): "a list of \(values.count)"
        case .object: "an object"
        }
    }

    /// Returns the value at `path` below this one, or `nil` if there is none.
    func value(at path: some Sequence<any CodingKey>) -> FoundValue? {
        path.reduce(Optional(self)) { value, key in
            switch value {
            case .object(let fields): fields[key.stringValue]
            case .list(let values):
                key.intValue.flatMap { values.indices.contains($0) ? values[$0] : nil }
            default: nil
            }
        }
    }
}

extension FoundValue {
    /// The numbers in this value that an integer type may be unable to hold, in order of their
    /// paths.
    var unusualNumbers: [(path: [any CodingKey], value: FoundValue)] {
        switch self {
        case .number: [(path: [], value: self)]
        case .integer(let value) where value < 0: [(path: [], value: self)]
        case .list(let values):
            values.enumerated().flatMap { index, value in
                value.unusualNumbers.map { ([PathStep(index)] + $0.path, $0.value) }
            }
        case .object(let fields):
            fields.sorted { $0.key < $1.key }.flatMap { name, value in
                value.unusualNumbers.map { ([PathStep(name)] + $0.path, $0.value) }
            }
        default: []
        }
    }
}

/// One step of the path to a value: the name of a field or the index in a list.
private struct PathStep: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ name: String) { (stringValue, intValue) = (name, nil) }
    init(_ index: Int) { (stringValue, intValue) = ("\(index)", index) }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { self.init(intValue) }
}

/// What a Swift type accepts, in the words of somebody who writes a configuration.
struct Expectation: CustomStringConvertible {
    private let type: Any.Type

    init(_ type: Any.Type) { self.type = type }

    /// The names that the type accepts, if it is an enumeration of names.
    var names: [String]? {
        func names<Value: CaseIterable>(of type: Value.Type) -> [String]? {
            let names = type.allCases.compactMap { value -> String? in
                (value as? any RawRepresentable)?.rawValue as? String
            }
            return names.isEmpty ? nil : names
        }
        return (type as? any CaseIterable.Type).flatMap { names(of: $0) }
    }

    /// Whether the type is a number, a name or a truth value, so that its description is exact.
    var isScalar: Bool {
        type is any Numeric.Type || type == Bool.self || type == String.self || names != nil
    }

    var description: String {
        if let names {
            return "one of " + names.map(\.debugDescription).joined(separator: ", ")
        }
        return switch type {
        case is any UnsignedInteger.Type: "a non-negative integer"
        case is any BinaryInteger.Type: "an integer"
        case is any BinaryFloatingPoint.Type: "a number"
        case is Bool.Type: "true or false"
        case is String.Type: "a string"
        case is any Sequence.Type where !(type is any DictionaryType.Type): "a list"
        default: "an object"
        }
    }

    /// Returns what is expected `depth` lists or objects further in.
    func element(depth: Int) -> Expectation {
        if let optional = type as? any OptionalType.Type {
            return Expectation(optional.wrapped).element(depth: depth)
        }
        guard depth > 0 else { return self }
        guard let container = type as? any ContainerType.Type else {
            return Expectation(Never.self)
        }
        return Expectation(container.element).element(depth: depth - 1)
    }
}

// Swift has no other way to ask a metatype for its generic argument.
private protocol OptionalType { static var wrapped: Any.Type { get } }
private protocol ContainerType { static var element: Any.Type { get } }
private protocol DictionaryType {}

extension Optional: OptionalType { fileprivate static var wrapped: Any.Type { Wrapped.self } }
extension Array: ContainerType { fileprivate static var element: Any.Type { Element.self } }
extension Set: ContainerType { fileprivate static var element: Any.Type { Element.self } }
extension Dictionary: ContainerType, DictionaryType {
    fileprivate static var element: Any.Type { Value.self }
}

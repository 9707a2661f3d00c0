/// What becomes of fields that a configuration type does not know.
public enum UnknownFields: Sendable {
    /// They are errors: the rule for our own formats, where an unknown name is a misspelt one.
    case rejected
    /// They are ignored: for files of other systems, which carry many fields that are not ours.
    case ignored
}

/// The fields of one configuration object, read by name with defaults and one-line errors.
///
/// The synthesized `init(from:)` of `Decodable` ignores default values of stored properties,
/// accepts misspelt names in silence and reports errors that span several lines. A configuration
/// therefore decodes itself through its fields:
///
/// ```swift
/// public init(from decoder: any Decoder) throws {
///     let fields = try decoder.fields(CodingKeys.self)  // unknown setting 'rnak' (did you mean …
///     rank = try fields.value(.rank, default: rank)
///     roles = try fields.required(.roles)
/// }
/// ```
///
/// A field that is `null` counts as absent, as the writers of Hugging Face configurations mean it.
/// It works with any decoder that keeps coding paths (`JSONDecoder`, Yams' `YAMLDecoder`).
public struct ConfigurationFields<Key: CodingKey> {
    private let container: KeyedDecodingContainer<Key>

    fileprivate init(_ container: KeyedDecodingContainer<Key>) {
        self.container = container
    }

    /// Returns whether the field is present and not `null`.
    public func contains(_ key: Key) -> Bool {
        container.contains(key) && (try? container.decodeNil(forKey: key)) != true
    }

    /// Returns the value of a field that must be present.
    ///
    /// - Throws: ``ConfigurationError`` if the field is absent, `null` or not a `Value`.
    public func required<Value: Decodable>(
        _ key: Key,
        as type: Value.Type = Value.self
    ) throws(ConfigurationError) -> Value {
        guard contains(key) else { throw invalid(key, "is missing") }
        do {
            return try container.decode(type, forKey: key)
        } catch {
            throw ConfigurationError(error, at: path(key), decoding: type) {
                try? container.decode(FoundValue.self, forKey: key)
            }
        }
    }

    /// Returns the value of a field, or `nil` if it is absent or `null`.
    ///
    /// - Throws: ``ConfigurationError`` if the field holds something that is not a `Value`.
    public func optional<Value: Decodable>(
        _ key: Key,
        as type: Value.Type = Value.self
    ) throws(ConfigurationError) -> Value? {
        contains(key) ? try required(key, as: type) : nil
    }

    /// Returns the value of a field, or `defaultValue` if it is absent or `null`.
    ///
    /// - Throws: ``ConfigurationError`` if the field holds something that is not a `Value`.
    public func value<Value: Decodable>(
        _ key: Key,
        default defaultValue: Value
    ) throws(ConfigurationError) -> Value {
        try optional(key) ?? defaultValue
    }

    /// Returns the value of a field that counts something, or `defaultValue` if it is absent.
    ///
    /// - Throws: ``ConfigurationError`` if it is no whole number above 0, or above `most`: nothing that a file says may
    ///   fill the memory.
    public func positive(
        _ key: Key,
        default defaultValue: Int,
        most: Int = Int(Int32.max)
    ) throws(ConfigurationError) -> Int {
        let found = try value(key, default: defaultValue)
        guard found > 0 else { throw invalid(key, "must be positive, found \(found)") }
        guard found <= most else { throw invalid(key, "must be at most \(most), found \(found)") }
        return found
    }

    /// Returns the value of a field that is a number above 0, or `defaultValue` if it is absent.
    ///
    /// - Throws: ``ConfigurationError`` if it is no number above 0, or is absent and has no default.
    public func positiveNumber(
        _ key: Key,
        default defaultValue: Double? = nil
    ) throws(ConfigurationError) -> Double {
        guard let found = try optional(key, as: Double.self) ?? defaultValue else {
            throw invalid(key, "is missing")
        }
        guard found > 0 else { throw invalid(key, "must be positive, found \(found)") }
        return found
    }

    /// Returns the value of a field that counts a model's layers, or `defaultValue` if it is absent.
    ///
    /// - Throws: ``ConfigurationError`` if it is no whole number above 0 or above ten thousand.
    public func layerCount(
        _ key: Key,
        default defaultValue: Int
    ) throws(ConfigurationError) -> Int {
        try positive(key, default: defaultValue, most: 10_000)
    }

    /// Returns the value of a field that drops things, or `defaultValue` if it is absent.
    ///
    /// - Throws: ``ConfigurationError`` if it is no number in 0 ..< 1.
    public func probability(
        _ key: Key,
        default defaultValue: Double
    ) throws(ConfigurationError) -> Double {
        let found = try value(key, default: defaultValue)
        guard (0..<1).contains(found) else {
            throw invalid(key, "must be in 0 ..< 1, found \(found)")
        }
        return found
    }

    /// Returns the error of a field, with the field's whole path.
    ///
    /// - Parameters:
    ///   - key: The field.
    ///   - problem: A phrase without the field's name: "must be positive, found -1".
    /// - Returns: An error to throw.
    public func invalid(_ key: Key, _ problem: String) -> ConfigurationError {
        ConfigurationError(path: path(key), problem: problem)
    }

    private func path(_ key: Key) -> [any CodingKey] { container.codingPath + [key] }
}

extension Decoder {
    /// Returns the fields of the object that this decoder stands at.
    ///
    /// - Parameters:
    ///   - keys: All fields that the object may have.
    ///   - unknown: Whether other fields are errors, which is the default.
    /// - Returns: The fields, to be read one by one.
    /// - Throws: ``ConfigurationError`` if there is no object here, or it has a field that is not
    ///   one of `keys`; the error suggests the nearest of them.
    public func fields<Key: CodingKey & CaseIterable>(
        _ keys: Key.Type,
        unknown: UnknownFields = .rejected
    ) throws(ConfigurationError) -> ConfigurationFields<Key> {
        let container: KeyedDecodingContainer<Key>
        let present: [String]
        do {
            container = try self.container(keyedBy: keys)
            present = try self.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
        } catch {
            throw ConfigurationError(error, at: codingPath, decoding: [String: FoundValue].self) {
                try? singleValueContainer().decode(FoundValue.self)
            }
        }
        let known = keys.allCases.map(\.stringValue)
        if unknown == .rejected, let stranger = Set(present).subtracting(known).min() {
            let hint =
                known.nearest(to: stranger).map { "did you mean '\($0)'?" }
                ?? "known: \(known.sorted().joined(separator: ", "))"
            let problem = "unknown setting '\(stranger)' (\(hint))"
            throw ConfigurationError(path: codingPath, problem: problem)
        }
        return ConfigurationFields(container)
    }
}

/// A coding key of any name, to see which fields an object has.
private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

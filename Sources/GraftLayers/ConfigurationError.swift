/// A setting that cannot be used, said in one line: where it stands, what is wrong, how to cure it.
///
/// A type that checks its own settings throws the short form, which names the field inside that
/// type:
///
/// ```swift
/// throw ConfigurationError(field: "rank", problem: "must be positive, found \(rank)")
/// ```
///
/// ``ConfigurationFields`` adds the path of the enclosing fields on the way out, and
/// ``ConfigurationFile`` the name of the file, so that the user reads
/// `adapter_config.json: lora.rank: must be positive, found -1`.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file that holds the setting, where it is known.
    public var file: String?

    /// The path of the setting, such as `lora.roles[1]`; empty for the whole configuration.
    public private(set) var field: String

    /// What is wrong and, where one is known, the cure.
    public let problem: String

    /// Whether `field` starts at the root of the configuration, so that nobody prefixes it again.
    private var isRooted = false

    /// Creates the error of one field.
    ///
    /// - Parameters:
    ///   - field: The name of the field in the type that throws; empty for the type as a whole.
    ///   - problem: A phrase without the field's name and without a full stop.
    public init(field: String, problem: String) {
        self.field = field
        self.problem = problem
    }

    /// Creates the error of a field whose whole path is known.
    init(path: [any CodingKey], problem: String) {
        self.init(field: ConfigurationError.spelled(path), problem: problem)
        isRooted = true
    }

    public var description: String {
        [file, field.isEmpty ? nil : field, problem].compactMap(\.self).joined(separator: ": ")
    }

    /// Returns this error with `path` before its field, unless its path is complete already.
    func rooted(at path: [any CodingKey]) -> ConfigurationError {
        guard !isRooted else { return self }
        var result = self
        let prefix = ConfigurationError.spelled(path)
        result.field = [prefix, field].filter { !$0.isEmpty }.joined(separator: ".")
        result.isRooted = true
        return result
    }

    /// Returns `path` as users write it: `methods[1].rank`.
    private static func spelled(_ path: [any CodingKey]) -> String {
        path.reduce(into: "") { text, key in
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += text.isEmpty ? key.stringValue : "." + key.stringValue
            }
        }
    }
}

extension ConfigurationError {
    /// Translates whatever a decoder threw.
    ///
    /// - Parameters:
    ///   - error: The error; a ``ConfigurationError`` only gains its path.
    ///   - path: The path of the value that was being decoded.
    ///   - type: The type that it was decoded as.
    ///   - found: Reads the value that stands there, to quote it.
    init(
        _ error: any Error,
        at path: [any CodingKey],
        decoding type: Any.Type,
        found: () -> FoundValue?
    ) {
        switch error {
        case let error as ConfigurationError:
            self = error.rooted(at: path)
        case DecodingError.typeMismatch(let expected, let context),
            DecodingError.valueNotFound(let expected, let context):
            let rest = context.codingPath.dropFirst(path.count)
            let wanted = Expectation(type).element(depth: rest.count)
            self.init(
                path: context.codingPath,
                expected: wanted.names == nil ? Expectation(expected) : wanted,
                found: found()?.value(at: rest)
            )
        case DecodingError.keyNotFound(let key, let context):
            self.init(path: context.codingPath + [key], problem: "is missing")
        case DecodingError.dataCorrupted(let context):
            if let inner = context.underlyingError as? ConfigurationError {
                self = inner.rooted(at: path)
                return
            }
            let rest = context.codingPath.dropFirst(path.count)
            let wanted = Expectation(type).element(depth: rest.count)
            let value = found()
            if wanted.isScalar {
                self.init(path: context.codingPath, expected: wanted, found: value?.value(at: rest))
            } else if rest.isEmpty, let value,
                let misfit = ConfigurationError(misfitIn: value, path)
            {
                self = misfit
            } else {
                self.init(path: context.codingPath, problem: context.debugDescription)
            }
        default:
            // Foundation's private error for a number that its field cannot hold, thrown before the
            // decoder knows where it stands.
            let isMisfit = String(reflecting: Swift.type(of: error)).hasSuffix("JSONError")
            let value = isMisfit ? found() : nil
            if let value, Expectation(type).isScalar {
                self.init(path: path, expected: Expectation(type), found: value)
            } else if let value, let misfit = ConfigurationError(misfitIn: value, path) {
                self = misfit
            } else {
                self.init(path: path, problem: "\(error)")
            }
        }
    }

    /// Creates the error of a number that does not fit its field, where the decoder lost the path:
    /// only a negative, fractional or huge one can be meant.
    private init?(misfitIn value: FoundValue, _ path: [any CodingKey]) {
        let suspects = value.unusualNumbers
        guard let first = suspects.first else { return nil }
        if suspects.count == 1 {
            let problem = "\(first.value) does not fit (hint: an integer is expected)"
            self.init(path: path + first.path, problem: problem)
        } else {
            let names = suspects.map { ConfigurationError.spelled(path + $0.path) }
            let problem = "one of \(names.joined(separator: ", ")) should be an integer"
            self.init(path: path, problem: problem)
        }
    }

    private init(path: [any CodingKey], expected: Expectation, found: FoundValue?) {
        var problem = "expected \(expected)"
        if let found {
            problem += ", found \(found)"
            if case .string(let name) = found, let near = expected.names?.nearest(to: name) {
                problem += " (did you mean \"\(near)\"?)"
            }
        }
        self.init(path: path, problem: problem)
    }
}

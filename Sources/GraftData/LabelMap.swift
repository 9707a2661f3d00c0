internal import Foundation

/// The classes of a task: their names, in the order of the numbers that the model's head gives them.
///
/// A map is made once, from the training file or from a given list, and stored with the adapter; every
/// other file is read through it, so that a label that training never saw is an error and not a new class.
///
/// Where the names were given in an order, a file may also say a class by its number. As long as none of the names is itself a
/// whole number, the label 1 is then the class with number 1. Otherwise labels are only ever looked up as names: with
/// classes named "1" and "2", the label 1 is the first, and numbers of classes that a file named are unknown.
public struct LabelMap: Sendable, Hashable {
    /// The names of the classes; a class's number is the index of its name.
    public let names: [String]

    /// Whether a label may be a class's number.
    public let acceptsNumbers: Bool

    private let numbers: [String: Int]

    /// Numbers classes in the order in which `names` lists them.
    ///
    /// - Parameters:
    ///   - names: The names.
    ///   - acceptsNumbers: Whether somebody chose their order, so that a label may be a class's number.
    /// - Throws: ``DataError/labelNames(reason:)`` if there is no name, an empty one, or one twice.
    public init(names: [String], acceptsNumbers: Bool = true) throws(DataError) {
        guard !names.isEmpty else { throw .labelNames(reason: "there are none") }
        var numbers: [String: Int] = [:]
        for (number, name) in names.enumerated() {
            guard !name.isEmpty else { throw .labelNames(reason: "name \(number) is empty") }
            guard numbers.updateValue(number, forKey: name) == nil else {
                throw .labelNames(reason: "'\(name)' appears twice")
            }
        }
        (self.names, self.numbers) = (names, numbers)
        self.acceptsNumbers = acceptsNumbers && names.allSatisfy { wholeNumber($0) == nil }
    }

    /// Numbers the classes that occur in a data set.
    ///
    /// Names that are all whole numbers are sorted as such; any others as text, by Unicode and not by the
    /// machine's language, so that the same file gives the same numbers everywhere.
    ///
    /// - Throws: ``DataError/labelNames(reason:)`` if the rows have no classes, or two that differ in white
    ///   space around them alone.
    public init(of dataset: Dataset) throws(DataError) {
        let found = dataset.store.labels
        let whole = found.compactMap(wholeNumber)
        let names = whole.count == found.count ? whole.sorted().map(String.init) : found.sorted()
        guard !names.isEmpty else {
            throw .labelNames(reason: "\(dataset.path) has no rows with a class")
        }
        let trimmed = { (name: String) in name.trimmingCharacters(in: .whitespacesAndNewlines) }
        if let twins = LabelMap.twins(names, by: trimmed) {
            throw .labelNames(
                reason: "\(dataset.path) has classes that differ in white space alone: \(twins)"
                    + " (hint: trim them)"
            )
        }
        try self.init(names: names, acceptsNumbers: false)
    }

    /// The first names that are alike, as `'a' and 'A'`.
    ///
    /// - Parameters:
    ///   - names: Names of classes.
    ///   - key: What names that are alike have in common.
    /// - Returns: `nil` if all differ.
    package static func twins(_ names: [String], by key: (String) -> String) -> String? {
        Dictionary(grouping: names, by: key).filter { $0.value.count > 1 }
            .min { $0.key < $1.key }?.value
            .sorted().map { "'\($0)'" }.joined(separator: " and ")
    }

    /// How many classes there are.
    public var count: Int { names.count }

    /// The number of the class that a file calls `label`; nil if there is none.
    public func number(of label: String) -> Int? {
        if let number = numbers[label] { return number }
        guard acceptsNumbers, let number = wholeNumber(label) else { return nil }
        return names.indices.contains(number) ? number : nil
    }
}

extension LabelMap: Codable {
    /// Reads the names as a plain array.
    public init(from decoder: any Decoder) throws {
        try self.init(names: decoder.singleValueContainer().decode([String].self))
    }

    /// Writes the names as a plain array.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(names)
    }
}

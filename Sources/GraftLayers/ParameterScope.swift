public import GraftTorch

/// Where a parameter comes from: a checkpoint, an initialisation, a stored adapter, a computation.
public protocol ParameterSource: Sendable {
    /// Returns the parameter.
    ///
    /// - Parameters:
    ///   - name: The full dotted name.
    ///   - shape: The shape that the asking module needs.
    ///   - initial: How a new parameter starts.
    /// - Returns: A tensor of that shape.
    /// - Throws: An error naming the parameter if it is missing or has another shape.
    func parameter(_ name: String, shape: [Int], initial: Initializer) throws -> Tensor

    /// Whether a parameter of this name can be had, for modules that checkpoints may lack.
    func contains(_ name: String) -> Bool
}

/// A place in the tree of parameter names from which modules ask for their tensors.
///
/// ```swift
/// query = try Linear(hidden, hidden, scope / "attention" / "query")
/// ```
///
/// The asking module does not know whether it gets a frozen, a trained or a computed tensor.
public struct ParameterScope: Sendable {
    private let source: any ParameterSource
    /// The dotted name of this place; empty at the root.
    public let path: String

    /// The root of a source.
    public init(_ source: any ParameterSource, path: String = "") {
        self.source = source
        self.path = path
    }

    /// The place one name further in.
    public static func / (scope: ParameterScope, name: String) -> ParameterScope {
        ParameterScope(scope.source, path: scope.full(name))
    }

    /// The place one index further in.
    public static func / (scope: ParameterScope, index: Int) -> ParameterScope {
        scope / String(index)
    }

    /// Asks for a parameter of this place.
    ///
    /// - Throws: What the source throws: an error naming the parameter if it is missing or has
    ///   another shape.
    public func parameter(
        _ name: String,
        shape: [Int],
        initial: Initializer = .stored
    ) throws -> Tensor {
        try source.parameter(full(name), shape: shape, initial: initial)
    }

    /// Whether this place has a parameter of that name.
    public func contains(_ name: String) -> Bool { source.contains(full(name)) }

    private func full(_ name: String) -> String { path.isEmpty ? name : path + "." + name }
}

/// A parameter that a source cannot give as asked.
public struct ParameterError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The parameter's full name.
    public let name: String
    /// What is wrong and, where one is known, the cure.
    public let problem: String

    /// Names a parameter and what is wrong with it.
    public init(name: String, problem: String) {
        self.name = name
        self.problem = problem
    }

    public var description: String { "\(name): \(problem)" }
}

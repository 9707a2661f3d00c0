internal import Foundation
internal import GraftLayers
public import GraftTorch

/// A trained adapter of one method, as arithmetic over weights sees it.
public struct TrainedAdapter<Method: AdapterMethod>: Sendable {
    /// What errors call it.
    public let name: String
    /// The settings that it was trained with.
    public let method: Method
    /// Its parameters: `adapter.<site>.<name>`.
    public let parameters: [String: Tensor]
}

/// What arithmetic over weights makes: an adapter like those that it was made of.
public struct CombinedAdapter: Sendable {
    /// The settings.
    public var method: any AdapterMethod
    /// The parameters: `adapter.<site>.<name>`.
    public var parameters: [String: Tensor]
    /// The share of the combined changes, by their squares, that the result holds: 1 but for a limited rank.
    public var kept = 1.0
}

extension WeightArithmetic {
    /// Combines trained adapters of one method.
    ///
    /// - Parameter adapters: As many as there are ``weights``, on the same frozen model.
    /// - Returns: The new adapter.
    /// - Throws: `ConfigurationError` if they differ in method or settings, or the method has no such
    ///   operation; `ParameterError` naming a tensor in which they differ.
    public func callAsFunction(
        _ adapters: [(name: String, method: any AdapterMethod, parameters: [String: Tensor])]
    ) throws -> CombinedAdapter {
        precondition(adapters.count == weights.count, "a weight for each adapter")
        func combined<Method: AdapterMethod>(_ first: Method) throws -> CombinedAdapter {
            let typed = try adapters.map { adapter in
                guard let method = adapter.method as? Method else {
                    throw ConfigurationError(
                        field: "method",
                        problem: "'\(adapter.name)' is of \(type(of: adapter.method).identifier),"
                            + " '\(adapters[0].name)' of \(Method.identifier):"
                            + " only weights of one method can be combined"
                    )
                }
                return TrainedAdapter(
                    name: adapter.name,
                    method: method,
                    parameters: adapter.parameters
                )
            }
            for other in typed.dropFirst() { try other.checkNames(like: typed[0]) }
            return try Method.combined(typed, by: self)
        }
        return try combined(adapters[0].method)
    }

    /// An error that names a method to which an operation cannot be done.
    func refusal(of method: String, _ reason: String) -> ConfigurationError {
        ConfigurationError(
            field: "operation",
            problem: "'\(operation.rawValue)' cannot be done to \(method): \(reason)"
        )
    }
}

extension AdapterMethod {
    public static func combined(
        _ adapters: [TrainedAdapter<Self>],
        by arithmetic: WeightArithmetic
    ) throws -> CombinedAdapter {
        try mean(adapters, by: arithmetic)
    }

    /// The mean of adapters of equal settings, those of training aside, parameter by parameter.
    ///
    /// - Throws: `ConfigurationError` if something else is asked for.
    static func mean(
        _ adapters: [TrainedAdapter<Self>],
        by arithmetic: WeightArithmetic
    ) throws -> CombinedAdapter {
        let sum = arithmetic.weights.reduce(0, +)
        guard arithmetic.operation == .linear, abs(sum - 1) < 1e-6 else {
            throw arithmetic.refusal(
                of: identifier,
                "Graft knows a mean of its parameters alone"
                    + " (hint: linear of two or more, with weights that sum to 1)"
            )
        }
        return try combined(adapters, by: arithmetic, changesFrom: 0)
    }

    /// Combines, parameter by parameter, what adapters of equal settings differ from a neutral value by.
    ///
    /// - Throws: `ConfigurationError` naming a setting, or `ParameterError` naming a tensor, in which they
    ///   differ.
    static func combined(
        _ adapters: [TrainedAdapter<Self>],
        by arithmetic: WeightArithmetic,
        changesFrom neutral: Float
    ) throws -> CombinedAdapter {
        let first = adapters[0]
        guard arithmetic.rank == nil else {
            throw arithmetic.refusal(of: identifier, "its parameters have no rank to choose")
        }
        for other in adapters.dropFirst() { try other.checkSettings(like: first) }
        var parameters: [String: Tensor] = [:]
        for (name, tensor) in first.parameters {
            let changes = try adapters.map { adapter in
                let values: [Float] = try adapter.parameter(name, shape: tensor.shape).values()
                return neutral == 0 ? values : values.map { $0 - neutral }
            }
            let sum = arithmetic.combined(changes, of: name)
            parameters[name] = try Tensor(
                neutral == 0 ? sum : sum.map { $0 + neutral },
                shape: tensor.shape
            )
        }
        return CombinedAdapter(method: first.method, parameters: parameters)
    }
}

extension TrainedAdapter {
    /// A parameter.
    ///
    /// - Throws: `ParameterError` if it is missing or has another shape.
    func parameter(_ name: String, shape: [Int]? = nil) throws(ParameterError) -> Tensor {
        guard let tensor = parameters[name] else {
            throw ParameterError(name: name, problem: "'\(self.name)' has none")
        }
        guard shape == nil || shape == tensor.shape else {
            throw ParameterError(
                name: name,
                problem: "expected shape \(shape ?? []), as in the first adapter,"
                    + " found \(tensor.shape) in '\(self.name)'"
            )
        }
        return tensor
    }

    /// Confirms that another adapter has parameters of the same names.
    fileprivate func checkNames(like first: TrainedAdapter) throws(ParameterError) {
        let difference = Set(parameters.keys).symmetricDifference(first.parameters.keys)
        guard let name = difference.min() else { return }
        let (owner, other) =
            parameters[name] == nil ? (first.name, self.name) : (self.name, first.name)
        throw ParameterError(name: name, problem: "'\(owner)' has it, '\(other)' does not")
    }

    /// Confirms that another adapter has the same settings, those of training aside.
    fileprivate func checkSettings(like first: TrainedAdapter) throws {
        func settings(_ adapter: TrainedAdapter) throws -> [String: String] {
            let data = try JSONEncoder().encode(adapter.method)
            let fields = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
            return try fields.mapValues { value in
                let options: JSONSerialization.WritingOptions = [.fragmentsAllowed, .sortedKeys]
                let text = try JSONSerialization.data(withJSONObject: value, options: options)
                return String(decoding: text, as: UTF8.self)
            }
        }
        let (own, others) = (try settings(self), try settings(first))
        let keys = Set(own.keys).union(others.keys).subtracting(Method.trainingSettings)
        guard let key = keys.filter({ own[$0] != others[$0] }).min() else { return }
        throw ConfigurationError(
            field: key,
            problem: "is \(own[key] ?? "none") in '\(name)' and \(others[key] ?? "none") in"
                + " '\(first.name)'"
        )
    }
}

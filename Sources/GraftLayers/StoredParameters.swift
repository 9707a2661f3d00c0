public import GraftTorch
internal import Synchronization

/// Hands out tensors that exist already, strictly.
///
/// Everything asked for must be there with its shape, and everything there must be asked for.
public final class StoredParameters: ParameterSource {
    private let tensors: [String: Tensor]
    private let asked = Mutex<Set<String>>([])

    /// Creates a source over named tensors.
    public init(_ tensors: [String: Tensor]) { self.tensors = tensors }

    public func parameter(_ name: String, shape: [Int], initial: Initializer) throws -> Tensor {
        guard let tensor = tensors[name] else {
            let near = tensors.keys.nearest(to: name).map { " (hint: there is '\($0)')" } ?? ""
            throw ParameterError(name: name, problem: "is missing" + near)
        }
        guard tensor.shape == shape else {
            throw ParameterError(
                name: name,
                problem: "expected shape \(shape), found \(tensor.shape)"
            )
        }
        asked.withLock { _ = $0.insert(name) }
        return tensor
    }

    public func contains(_ name: String) -> Bool { tensors[name] != nil }

    /// Confirms that every tensor was asked for.
    ///
    /// - Throws: ``ParameterError`` naming the first that was not.
    public func checkAllUsed() throws {
        let unused = Set(tensors.keys).subtracting(asked.withLock(\.self)).sorted()
        guard let first = unused.first else { return }
        let others = unused.count > 1 ? " and \(unused.count - 1) more" : ""
        throw ParameterError(
            name: first,
            problem: "is stored\(others), but nothing here takes it"
                + " (hint: another method, another model or another version wrote it)"
        )
    }
}

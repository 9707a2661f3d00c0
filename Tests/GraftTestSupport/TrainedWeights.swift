package import GraftLayers
package import GraftTorch
internal import Synchronization

/// A checkpoint's parameters, of which some are trained.
package final class TrainedWeights: ParameterSource {
    private let source: any ParameterSource
    private let names: Set<String>
    private let made = Mutex<[String: Tensor]>([:])

    /// Trains those of `names`.
    package init(_ source: any ParameterSource, names: Set<String>) {
        self.source = source
        self.names = names
    }

    /// What is trained and was asked for.
    package var leaves: [String: Tensor] { made.withLock { $0 } }

    package func parameter(_ name: String, shape: [Int], initial: Initializer) throws -> Tensor {
        let value = try source.parameter(name, shape: shape, initial: initial)
        guard names.contains(name) else { return value }
        let leaf = try value.trainable()
        made.withLock { $0[name] = leaf }
        return leaf
    }

    package func contains(_ name: String) -> Bool { source.contains(name) }
}

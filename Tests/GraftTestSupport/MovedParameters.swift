package import GraftLayers
package import GraftTorch
internal import Synchronization

/// New trained parameters, moved away from their start values so that all of them show.
package final class MovedParameters: ParameterSource {
    private let fresh: FreshParameters
    private let seed: UInt64
    private let deviation: Double
    private let made = Mutex<[Tensor]>([])

    /// Equal seeds give equal parameters.
    package init(seed: UInt64, deviation: Double = 0.3) {
        fresh = FreshParameters(seed: seed)
        self.deviation = deviation
        self.seed = seed
    }

    /// All parameters that were asked for, in order.
    package var leaves: [Tensor] { made.withLock { $0 } }

    package func parameter(_ name: String, shape: [Int], initial: Initializer) throws -> Tensor {
        let start = try fresh.parameter(name, shape: shape, initial: initial)
        let generator = try Generator(seed: StableHash.mix(seed, StableHash.of(name)))
        let leaf = try (start.moved(to: testDevice) + generator.noise(shape, deviation: deviation))
            .trainable()
        made.withLock { $0.append(leaf) }
        return leaf
    }

    package func contains(_ name: String) -> Bool { fresh.contains(name) }
}

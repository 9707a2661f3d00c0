public import GraftTorch
internal import Synchronization

/// Creates parameters as modules ask for them, and remembers them in order.
///
/// A parameter's start value depends on the seed and its name only, not on what else is created or
/// in which order.
public final class FreshParameters: ParameterSource {
    private let seed: UInt64
    private let created = Mutex<[(name: String, value: Tensor)]>([])

    /// Creates a source; equal seeds give equal parameters.
    public init(seed: UInt64) { self.seed = seed }

    /// What was asked for so far, in order.
    public var parameters: [(name: String, value: Tensor)] { created.withLock(\.self) }

    public func parameter(_ name: String, shape: [Int], initial: Initializer) throws -> Tensor {
        let generator = try Generator(seed: (initial.seed ?? seed) ^ StableHash.of(name))
        let value = try initial.value(shape: shape, using: generator)
        try created.withLock { created in
            guard !created.contains(where: { $0.name == name }) else {
                throw ParameterError(name: name, problem: "is declared twice")
            }
            created.append((name, value))
        }
        return value
    }

    public func contains(_ name: String) -> Bool { true }
}

/// A hash that is the same in every process, for seeds.
package enum StableHash {
    /// FNV-1a over the UTF-8 bytes.
    package static func of(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    /// The finaliser of SplitMix64 over two numbers.
    package static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        var x = a ^ (b &* 0x9e37_79b9_7f4a_7c15 &+ 0x632b_e59b_d9b4_e019)
        x = (x ^ (x >> 30)) &* 0xbf58_476d_1ce4_e5b9
        x = (x ^ (x >> 27)) &* 0x94d0_49bb_1331_11eb
        return x ^ (x >> 31)
    }
}

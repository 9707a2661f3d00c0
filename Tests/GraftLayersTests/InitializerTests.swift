import GraftLayers
import GraftTestSupport
import GraftTorch
import Testing

@Suite("Start values")
struct InitializerTests {
    private struct Moments {
        let mean: Double
        let deviation: Double
        let largest: Double
    }

    private func moments(_ start: Initializer) throws -> Moments {
        let tensor = try start.value(shape: [200, 200], using: Generator(seed: 17))
        #expect(tensor.shape == [200, 200])
        #expect(try tensor.dtype == .float32)
        let values: [Double] = try tensor.values()
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        return Moments(
            mean: mean,
            deviation: variance.squareRoot(),
            largest: values.reduce(0) { max($0, abs($1)) }
        )
    }

    @Test
    func `constants are constant`() throws {
        #expect(try moments(.zeros).largest == 0)
        let ones = try moments(.ones)
        #expect(ones.mean == 1)
        #expect(ones.deviation == 0)
    }

    @Test
    func `normal numbers have their mean and deviation`() throws {
        let found = try moments(.normal(mean: 0.5, deviation: 0.02))
        #expect(abs(found.mean - 0.5) < 5e-4)
        #expect(abs(found.deviation - 0.02) < 4e-4)
    }

    @Test
    func `a truncated normal stays inside its bound`() throws {
        // Two deviations keep 0.95450 of the mass; the deviation of what is left is 0.87962 of the whole.
        let found = try moments(.truncatedNormal(deviation: 0.01, bound: 0.02))
        #expect(abs(found.mean) < 2e-4)
        #expect(abs(found.deviation - 0.0087962) < 1e-4)
        #expect(found.largest <= 0.02)
        #expect(found.largest > 0.0195)
    }

    @Test
    func `uniform numbers fill their bound`() throws {
        let found = try moments(.kaimingUniform(fanIn: 16))
        #expect(abs(found.mean) < 3e-3)
        #expect(abs(found.deviation - 0.25 / 3.0.squareRoot()) < 2e-3)
        #expect(found.largest <= 0.25)
        #expect(found.largest > 0.2499)
    }

    @Test
    func `a copy has the values and not the memory`() throws {
        let source = try Tensor([Float(1), 2])
        let buffer = try ParameterBuffer([
            ("a", Initializer.copy(source).value(shape: [2], using: Generator(seed: 1)))
        ])
        try buffer.load(Tensor([Float(3), 4]))
        #expect(try source.values(as: Float.self) == [1, 2])
    }

    @Test
    func `a stored parameter has no start value`() {
        #expect(throws: TorchError.self) {
            try Initializer.stored.value(shape: [1], using: Generator(seed: 1))
        }
    }

    @Test
    func `fresh parameters depend on seed and name alone`() throws {
        func draw(_ seed: UInt64, _ names: [String]) throws -> [String: [Float]] {
            let source = FreshParameters(seed: seed)
            for name in names {
                _ = try source.parameter(name, shape: [5], initial: .normal(deviation: 1))
            }
            return try Dictionary(
                uniqueKeysWithValues: source.parameters.map { ($0.name, try $0.value.values()) }
            )
        }
        let first = try draw(1, ["a", "b"])
        #expect(try draw(1, ["b", "c", "a"]).filter { $0.key != "c" } == first)
        #expect(first["a"] != first["b"])
        #expect(try draw(2, ["a"])["a"] != first["a"])
    }

    @Test
    func `a seed of its own replaces the run's`() throws {
        func draw(run: UInt64, own: UInt64, _ name: String) throws -> [Float] {
            try FreshParameters(seed: run).parameter(
                name,
                shape: [5],
                initial: .seeded(own, .normal(deviation: 1))
            ).values()
        }
        #expect(try draw(run: 1, own: 9, "a") == draw(run: 2, own: 9, "a"))
        #expect(try draw(run: 1, own: 9, "a") != draw(run: 1, own: 8, "a"))
        #expect(try draw(run: 1, own: 9, "a") != draw(run: 1, own: 9, "b"))
    }
}

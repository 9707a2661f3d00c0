import Foundation
import GraftTestSupport
import GraftTorch
import Testing

@Suite("GELU")
struct GeluTests {
    /// From far below where the function vanishes to far above where it is the identity.
    private static let arguments = (-30_000...30_000).map { Float($0) / 2_000 }

    @Test
    func `values are close, those of negative arguments too`() throws {
        let found: [Float] = try Tensor(GeluTests.arguments).gelu().values()
        for (x, y) in zip(GeluTests.arguments, found) {
            let expected = 0.5 * Double(x) * erfc(-Double(x) / 2.squareRoot())
            let tolerance = x > -5 ? 1e-6 : x > -13 ? 1e-5 : 1
            #expect(abs(Double(y) - expected) <= tolerance * abs(expected), "at \(x)")
        }
    }

    @Test
    func `slopes equal the derivative`() throws {
        let x = try Tensor(GeluTests.arguments).trainable()
        let found: [Float] = try gradients(of: x.gelu().sum(), for: [x])[0].values()
        for (x, slope) in zip(GeluTests.arguments.map(Double.init), found) {
            let density = exp(-x * x / 2) / (2 * Double.pi).squareRoot()
            let expected = 0.5 * erfc(-x / 2.squareRoot()) + x * density
            #expect(abs(Double(slope) - expected) <= 3e-7, "at \(x)")
        }
    }

    @Test(arguments: 1...40)
    func `an element has the same bits wherever it lies`(count: Int) throws {
        let x = try Generator(seed: 3).normal([40])
        try expectIdentical(x.narrowed(0..<count).gelu(), x.gelu().narrowed(0..<count))
    }

    @Test
    func `extremes stay what they are`() throws {
        let found: [Float] = try Tensor([-1e30, 0, 1e30, .infinity]).gelu().values()
        #expect(found == [0, 0, 1e30, .infinity])
        let unknown: [Float] = try Tensor([Float.nan]).gelu().values()
        #expect(unknown[0].isNaN)
    }
}

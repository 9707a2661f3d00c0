import GraftLayers
import GraftTestSupport
import GraftTorch
import Testing

/// Against `ACT2FN` of transformers 4.57.6; the fixture is made by `Tools/reference/bert.py`.
@Suite("Activations against transformers 4.57.6")
struct ActivationTests {
    @Test(arguments: Activation.allCases)
    func `values and gradients equal the reference`(activation: Activation) throws {
        let fixture = try Fixture("activations")
        let x = try fixture["x"].trainable()
        let y = try activation(x)
        try expectClose(y, fixture["y.\(activation.rawValue)"], tolerance: 1e-6)
        try expectClose(
            gradients(of: y.sum(), for: [x])[0],
            fixture["grad.\(activation.rawValue)"],
            tolerance: 1e-6
        )
    }
}

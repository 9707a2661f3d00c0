import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// Against `adapters` 1.3.0 and `peft` 0.21.2; the fixtures are made by `Tools/reference/projections.py`.
@Suite("LoRA, DoRA, PiSSA, (IA)3 and VeRA against adapters 1.3.0 and peft 0.21.2")
struct ProjectionParityTests {
    @Test
    func `the fixtures are there`() {
        #expect(ProjectionCase.all.count >= 25)
    }

    @Test(arguments: ProjectionCase.all)
    func `forward and gradients equal the reference`(name: String) throws {
        try ProjectionCase(name).expectForwardAndGradients()
    }

    @Test(arguments: ProjectionCase.all)
    func `ten training steps equal the reference`(name: String) throws {
        try ProjectionCase(name).expectTenSteps()
    }

    @Test(arguments: ["projections/peft_vera", "projections/peft_vera_all_linear"])
    func `the seed gives the random matrices that peft draws`(name: String) throws {
        let example = try ProjectionCase(name)
        let method = try #require(example.method as? VeRA)
        let (a, b) = try method.projections(for: referenceEncoder().sites)
        try expectIdentical(a, example.fixture["vera_A"], "A")
        try expectIdentical(b, example.fixture["vera_B"], "B")
    }
}

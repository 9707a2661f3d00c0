import GraftAdapters
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// Against the references named in `Tools/reference`: `adapters` 1.3.0 where that is right, and `peft` 0.21.2.
@Suite("Methods against references")
struct MethodParityTests {
    /// How many fixtures each folder has.
    static let folders = [
        "adalora": 3, "compacter": 12, "families": 11, "invertible": 4, "p_tuning": 2, "prefix": 8,
        "prompt": 4, "reft": 9, "t5_heads": 2, "unions": 2, "vision": 6,
    ]

    static let cases = MethodCase.names(in: folders.keys.sorted())

    @Test(arguments: folders.keys.sorted())
    func `the fixtures are there`(folder: String) {
        #expect(MethodCase.names(in: [folder]).count == MethodParityTests.folders[folder])
    }

    @Test(arguments: cases)
    func `forward and gradients equal the reference`(name: String) throws {
        try MethodCase(name).expectForwardAndGradients()
    }

    @Test(arguments: cases)
    func `ten training steps equal the reference`(name: String) throws {
        try MethodCase(name).expectTenSteps()
    }

    @Test(arguments: cases)
    func `the preset with its settings is the reference's configuration`(name: String) throws {
        let example = try MethodCase(name)
        guard let reference = try example.methodOfReference() else { return }
        #expect(try MethodCase.stored(example.method) == MethodCase.stored(reference))
    }
}

import Foundation
import GraftAdapters
import GraftFormats
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftText
import GraftTorch
import GraftTraining
import Testing

/// The folder of real data sets that is beside a checkout of the project, but not part of it.
///
/// `GRAFT_SHARED_DATA` names another place.
private let sharedData: String = {
    if let path = ProcessInfo.processInfo.environment["GRAFT_SHARED_DATA"] { return path }
    let root = (0..<3).reduce(URL(filePath: #filePath)) { url, _ in
        url.deletingLastPathComponent()
    }
    return root.appending(path: "../shared/data").standardized.path(percentEncoded: false)
}()

@Suite(
    "Real Llama models",
    .enabled(
        if: FileManager.default.fileExists(atPath: sharedData + "/checkpoints/stories260k"),
        "the shared data sets are absent; set GRAFT_SHARED_DATA to their folder"
    )
)
struct Llama2CTests {
    /// What the model writes behind its start token, computed in float64.
    private struct Golden: Decodable {
        let greedyIDs: [Int32]
        let text: String
        let losses: [Double]

        enum CodingKeys: String, CodingKey {
            case greedyIDs = "greedy_ids"
            case text = "greedy_text"
            case losses = "token_nll"
        }
    }

    @Test(arguments: [
        ("stories260k", "stories260K.bin"), ("aidreams260k", "aidreams260K.bin"),
    ])
    func `a converted checkpoint writes its golden text word for word`(
        name: String,
        file: String
    ) throws {
        let source = sharedData + "/checkpoints/" + name
        let golden = try JSONDecoder().decode(
            Golden.self,
            from: Data(contentsOf: URL(filePath: source + "/golden.json"))
        )
        let folder = try TemporaryFolder()
        let model = try Llama2CCheckpoint(path: source + "/" + file)
        try model.write(into: folder.path)
        try Llama2CTokenizer(
            path: source + "/tok512.bin",
            count: model.header.vocabularySize
        ).write(into: folder.path)
        let base = try BaseModel(path: folder.path)

        var writer = try TextWriter(base)
        #expect(writer.options.endTokens == [1, 2])
        #expect(try writer.tokens(of: .text("")) == [1])
        writer.options.maxNewTokens = golden.greedyIDs.count - 1
        let answer = try writer([.text("")])[0]
        #expect(answer.text == golden.text)
        #expect(answer.tokenCount == golden.greedyIDs.count - 1)
        // The text is read as the tokens that it was written as.
        let read = try base.tokenizer.encode(golden.text).ids
        #expect(read == golden.greedyIDs)

        let rows = EncodedRows(tokens: [(golden.greedyIDs, golden.greedyIDs.map { _ in true })])
        let frozen = try AdaptedModel(
            base,
            method: AdapterRegistry.builtin.method(named: "head"),
            head: HeadConfiguration(.causalLM, outputCount: base.shape.vocabularySize),
            ParameterScope(FreshParameters(seed: 0))
        )
        let loss = try frozen.predictions(rows).logits[0][0]
        let expected = golden.losses.reduce(0, +)
        #expect(abs(Double(loss) - expected) < 1e-4 * expected)
    }
}

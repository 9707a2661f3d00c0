import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// Against `generate` of `transformers` 4.57.6; the fixtures are made by `Tools/reference/decoders.py` and `generation.py`.
@Suite("Generation against transformers 4.57.6")
struct GenerationTests {
    private func options(
        _ change: @Sendable (inout GenerationOptions) -> Void = { _ in }
    ) -> GenerationOptions {
        var options = GenerationOptions()
        options.maxNewTokens = 12
        options.endTokens = [7]
        change(&options)
        return options
    }

    private func written(
        _ model: any LanguageModel,
        _ prompts: [[Int32]],
        _ options: GenerationOptions,
        keys: [UInt64]? = nil,
        usesCache: Bool = true
    ) throws -> [TokenWriter.Written] {
        var writer = try TokenWriter(model, options: options)
        writer.usesCache = usesCache
        return try writer(prompts, keys: keys)
    }

    @Test(arguments: DecoderParityTests.models, ["greedy", "penalty", "beam"])
    func `rows are written on token for token as the reference does`(
        name: String,
        way: String
    ) throws {
        let fixture = try Fixture(name + "/expected")
        let model = try referenceLanguageModel(name)
        let prompts = try fixture.rows("ids")
        let options = options {
            if way == "penalty" { $0.repetitionPenalty = 1.3 }
            if way == "beam" { $0.beams = 3 }
        }
        let expected = try prompts.indices.map { row -> [Int32] in
            let tokens: [Int64] = try fixture["\(way).\(row)"].values()
            return tokens.map(Int32.init)
        }
        for usesCache in [true, false] {
            let found = try written(model, prompts, options, usesCache: usesCache)
            for (row, tokens) in expected.enumerated() {
                #expect(found[row].tokens == tokens, "row \(row), cache \(usesCache)")
                #expect(found[row].ending == (tokens.last == 7 ? .end : .length))
            }
        }
    }

    @Test(arguments: ["llama/gqa", "gpt2/tied"])
    func `what is drawn depends on the seed and the row alone`(name: String) throws {
        let prompts = try Fixture(name + "/expected").rows("ids")
        let model = try referenceLanguageModel(name)
        let options = options { ($0.temperature, $0.topK, $0.seed) = (1.5, 20, 4) }
        let together = try written(model, prompts, options)
        #expect(try written(model, prompts, options) == together)
        #expect(try written(model, prompts, options, usesCache: false) == together)
        for row in prompts.indices {
            let alone = try written(model, [prompts[row]], options, keys: [UInt64(row)])
            #expect(alone == [together[row]], "row \(row)")
        }
        var other = options
        other.seed = 5
        #expect(try written(model, prompts, other) != together)
        // Equal prompts of different rows go different ways.
        let twice = try written(model, [prompts[0], prompts[0]], options)
        #expect(twice[0] != twice[1])
    }

    @Test
    func `a caller ends a row, and the others go on`() throws {
        let prompts = try Fixture("llama/gqa/expected").rows("ids")
        let model = try referenceLanguageModel("llama/gqa")
        let whole = try written(model, prompts, options())
        var counts = prompts.map { _ in 0 }
        let found = try TokenWriter(model, options: options())(prompts) { row, _ in
            counts[row] += 1
            return row != 2 || counts[row] < 3
        }
        #expect(found[2].tokens == Array(whole[2].tokens.prefix(3)) && found[2].ending == .stop)
        for row in prompts.indices where row != 2 { #expect(found[row] == whole[row]) }
    }

    @Test
    func `rows end where the model's positions do`() throws {
        let model = try referenceLanguageModel("gpt2/tied")
        let long = [Int32](repeating: 3, count: 60)
        let options = options { $0.endTokens = [] }
        let found = try written(model, [long, [3]], options)
        #expect(found.map(\.tokens.count) == [4, 12])
        let full = #expect(throws: TokenWriter.PromptError.self) {
            try written(model, [[3], [Int32](repeating: 3, count: 64)], options)
        }
        #expect(full?.row == 1)
        #expect(full?.problem.contains("64 tokens and leaves no room") == true)
        let empty = #expect(throws: TokenWriter.PromptError.self) {
            try written(model, [[]], options)
        }
        #expect(empty?.problem.contains("has no tokens") == true)
    }

    private struct Settings: Decodable {
        let temperature: Double
        let top_k: Int?
        let top_p: Double?
        let repetition_penalty: Double?
    }

    @Test
    func `probabilities of the next token equal the reference's`() throws {
        let fixture = try Fixture("generation")
        let settings: [Settings] = try fixture.json("settings")
        #expect(settings.count == 8)
        let (rows, width) = (fixture.tensors["scores"]?.size(0) ?? 0, 40)
        let scores: [Float] = try fixture["scores"].values()
        let written: [Int64] = try fixture["written"].values()
        for (number, setting) in settings.enumerated() {
            var options = GenerationOptions()
            (options.temperature, options.topK, options.topP) = (
                setting.temperature, setting.top_k, setting.top_p
            )
            options.repetitionPenalty = setting.repetition_penalty ?? 1
            let choice = TokenChoice(options: options)
            let expected: [Double] = try fixture["probabilities.\(number)"].values()
            for row in 0..<rows {
                var own = Array(scores[row * width..<(row + 1) * width])
                choice.penalize(&own, Set(written[row * 9..<(row + 1) * 9].map(Int32.init)))
                var found = [Double](repeating: 0, count: width)
                for (token, probability) in choice.distribution(own) {
                    found[Int(token)] = probability
                }
                expectClose(
                    found,
                    Array(expected[row * width..<(row + 1) * width]),
                    tolerance: 1e-6,
                    "settings \(number), row \(row)"
                )
            }
        }
    }

    @Test
    func `tokens are drawn as often as they are likely`() throws {
        let options = options { ($0.temperature, $0.topK) = (1, 3) }
        let choice = TokenChoice(options: options)
        let scores: [Float] = [0.2, 1.5, -3, 0.9, 0.1]
        var counts = [Int](repeating: 0, count: 5)
        let draws = 20_000
        for key in 0..<draws { counts[Int(choice(scores, key: UInt64(key), step: 0))] += 1 }
        for (token, probability) in choice.distribution(scores) {
            let share = Double(counts[Int(token)]) / Double(draws)
            #expect(abs(share - probability) < 0.015, "token \(token)")
        }
        #expect(counts[2] == 0 && counts[4] == 0)
    }

    private static let unusable: [(String, @Sendable (inout GenerationOptions) -> Void)] = [
        ("max_new_tokens", { $0.maxNewTokens = 0 }), ("temperature", { $0.temperature = -1 }),
        ("temperature", { $0.temperature = 1e-40 }),
        ("length_penalty", { $0.lengthPenalty = .nan }),
        ("top_k", { ($0.temperature, $0.topK) = (1, 0) }),
        ("top_p", { ($0.temperature, $0.topP) = (1, 1.5) }), ("top_k", { $0.topK = 3 }),
        ("repetition_penalty", { $0.repetitionPenalty = 0 }), ("beams", { $0.beams = 0 }),
        ("beams", { ($0.beams, $0.temperature) = (2, 1) }),
    ]

    @Test(arguments: unusable.indices)
    func `options that cannot be used are named`(index: Int) {
        let (field, change) = GenerationTests.unusable[index]
        var options = GenerationOptions()
        change(&options)
        let changed = options
        let error = #expect(throws: ConfigurationError.self) { try changed.check() }
        #expect(error?.field == field)
    }
}

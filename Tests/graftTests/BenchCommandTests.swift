import Foundation
import GraftTestSupport
import Testing

@Suite struct BenchCommandTests {
    /// A method with the multiplications that its products take, counted by hand.
    struct Case: Sendable, CustomTestStringConvertible {
        let method: String
        let trunkDepth: Int
        let forward: Int
        let backward: Int

        var testDescription: String { method }
    }

    // Four rows of 6 tokens and four of 7, special ones included.
    private static let rows = 8
    private static let tokens = 4 * 6 + 4 * 7
    private static let pairs = 4 * 6 * 6 + 4 * 7 * 7

    // The model has 2 blocks of 16 with 32 between up and down. The head reads first tokens: of the last
    // block only keys and values take every token.
    private static let square = 16 * 16
    private static let feedForward = 2 * 16 * 32
    private static let first = (4 * square + feedForward) * tokens + 2 * 16 * pairs
    private static let last =
        2 * square * tokens + (2 * square + feedForward) * rows + 2 * 16 * tokens
    private static let head = (square + 2 * 16) * rows

    // 16 -> 4 -> 16 after attention and after the feed-forward of both blocks. The first down-projection
    // sends no gradient below; query, key, value and attention output of the first block get none.
    private static let bottleneck = 4 * 16
    private static let double = Case(
        method: "double_seq_bn[reduction_factor=4]",
        trunkDepth: 0,
        forward: first + last + head + 4 * bottleneck * (tokens + rows),
        backward: (7 * bottleneck + feedForward) * tokens
            + 2 * square * tokens + (2 * square + feedForward + 8 * bottleneck) * rows
            + 4 * 16 * tokens + 2 * head
    )

    // One adapter after the last feed-forward: no gradient in the model at all.
    private static let top = Case(
        method: "seq_bn[reduction_factor=4,leave_out=[0]]",
        trunkDepth: 1,
        forward: first + last + head + 2 * bottleneck * rows,
        backward: 3 * bottleneck * rows + 2 * head
    )

    // Query and value of both blocks, rank 4. The first block's attention gives gradients to weights,
    // values and queries; its projections send none below.
    private static let lowRank = Case(
        method: "lora[r=4]",
        trunkDepth: 0,
        forward: first + last + head + 2 * 2 * bottleneck * tokens + 2 * bottleneck
            * (tokens + rows),
        backward: (2 * 3 * bottleneck + square + feedForward) * tokens + 3 * 16 * pairs
            + (2 * square + 4 * bottleneck) * tokens
            + (2 * square + feedForward + 4 * bottleneck) * rows + 4 * 16 * tokens + 2 * head
    )

    private static let headOnly = Case(
        method: "head",
        trunkDepth: 2,
        forward: first + last + head,
        backward: (square + 2 * 2 * 16) * rows
    )

    // Every projection sends a gradient below and has one of its own.
    private static let full = Case(
        method: "full",
        trunkDepth: 0,
        forward: first + last + head,
        backward: 2 * (first + last + head)
    )

    @Test(arguments: [double, top, lowRank, headOnly, full])
    func `operations are those of the products that cannot be left out`(
        wanted: Case
    ) async throws {
        let shop = try Workshop()
        let texts = ["the film was good", "the film was very good"]
        let lines = (0..<BenchCommandTests.rows).map { row in
            "{\"text\": \"\(texts[row % 2])\", \"label\": \(row / 4)}"
        }
        try shop.write(lines.joined(separator: "\n"), to: "rows.jsonl")
        let outcome = try await shop.graft(
            "bench",
            "--model",
            shop.model,
            "--train",
            "rows.jsonl",
            "--method",
            wanted.method,
            "--batch",
            "8",
            "--seconds",
            "0.001",
            "--json"
        )
        #expect(outcome.status == 0, "\(outcome.errors)")
        let result = try outcome.json()
        #expect(result["trunk_depth"] as? Int == wanted.trunkDepth)
        let encoding = 2 * BenchCommandTests.first
        for (name, multiplications) in [
            ("training", wanted.forward + wanted.backward), ("evaluation", wanted.forward),
            ("encoding", encoding),
        ] {
            let pass = try #require(result[name] as? [String: Any])
            #expect(pass["rows"] as? Int == BenchCommandTests.rows)
            #expect(pass["tokens"] as? Int == BenchCommandTests.tokens)
            #expect(pass["operations"] as? Int == 2 * multiplications, "\(name)")
        }
    }

    @Test func `speeds stand beside what they are compared with`() async throws {
        let shop = try Workshop()
        let command = ["bench", "--model", shop.model, "--seconds", "0.001"]
        let outcome = try await GraftCommand.run(command + ["--json"], in: shop.path)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let result = try outcome.json()
        #expect(result["data"] is NSNull)
        #expect((result["rows"] as? String)?.hasPrefix("synthetic") == true)
        let ceilings = try #require(result["ceilings"] as? [String: [String: Any]])
        let products = try #require(ceilings["products"]?["rounds"] as? [Double])
        #expect(products.count == 5 && products.allSatisfy { $0 > 0 })
        for name in ["training", "evaluation", "encoding"] {
            let pass = try #require(result[name] as? [String: Any])
            func rounds(_ figure: String) throws -> [Double] {
                let values = try #require(pass[figure] as? [String: Any])
                return try #require(values["rounds"] as? [Double])
            }
            let operations = try #require(pass["operations"] as? Int)
            let rows = try #require(pass["rows"] as? Int)
            let seconds = try rounds("seconds")
            for round in 0..<5 {
                let floor = Double(operations) / products[round]
                for (figure, wanted) in [
                    ("floor_seconds", floor), ("share", floor / seconds[round]),
                    ("rows_per_second", Double(rows) / seconds[round]),
                ] {
                    // The parser of the tests may be off by a last bit.
                    let found = try rounds(figure)[round]
                    #expect(abs(found - wanted) <= 1e-14 * wanted, "\(name) \(figure)")
                }
            }
        }
        let text = try await GraftCommand.run(command, in: shop.path).output
        for part in ["GFLOP/s", "GB/s", "loading", "tokenizing", "training", "compared with"] {
            #expect(text.contains(part), "\(part)")
        }
    }

    @Test func `a tokenizer is measured without a model`() async throws {
        let shop = try Workshop()
        let folder = shop.path + "/tokenizer"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: shop.model + "/vocab.txt",
            toPath: folder + "/vocab.txt"
        )
        let command = [
            "bench", "--model", folder, "--tokenizer-only", "--train", "train.jsonl",
            "--seconds", "0.001",
        ]
        let outcome = try await GraftCommand.run(command + ["--json"], in: shop.path)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let result = try outcome.json()
        let rows = try await shop.graft("tokenize", "--model", folder, "--data", "train.jsonl")
            .rows()
        #expect(result["texts"] as? Int == rows.count)
        #expect(
            result["tokens"] as? Int == rows.reduce(0) { $0 + (($1["ids"] as? [Int])?.count ?? 0) }
        )
        let speed = try #require(result["tokens_per_second_one_core"] as? [String: Any])
        #expect((speed["rounds"] as? [Double])?.allSatisfy { $0 > 0 } == true)
        let text = try await GraftCommand.run(command, in: shop.path).output
        #expect(text.contains("million tokens/s") && text.contains("beside memory"))
    }

    @Test func `mixed batches stand beside one adapter's`() async throws {
        let shop = try Workshop()
        let command = [
            "bench", "--model", shop.model, "--seconds", "0.001", "--method", "lora,seq_bn",
            "--adapters", "2,5", "--batch", "8",
        ]
        let outcome = try await GraftCommand.run(command + ["--json"], in: shop.path)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let result = try outcome.json()
        #expect(result["rows"] as? Int == 8)
        let batches = try #require(result["batches"] as? [[String: Any]])
        #expect(batches.compactMap { $0["adapters"] as? Int } == [1, 2, 5])
        func rounds(_ batch: [String: Any], _ figure: String) throws -> [Double] {
            try #require((batch[figure] as? [String: Any])?["rounds"] as? [Double])
        }
        for batch in batches {
            let (own, one) = try (rounds(batch, "seconds"), rounds(batches[0], "seconds"))
            for (index, found) in try rounds(batch, "beside_one").enumerated() {
                #expect(own[index] > 0 && abs(found - own[index] / one[index]) <= 1e-12 * found)
            }
        }
        let text = try await GraftCommand.run(command, in: shop.path).output
        #expect(text.contains("beside one") && text.contains("8 a batch"))
    }

    @Test(arguments: [
        (["--seconds", "0"], "--seconds must be positive, found 0.0"),
        (["--batch", "0"], "--batch must be at least 1, found 0"),
        (["--task", "regression"], "--task needs --train"),
        (["--labels", "a,b"], "--labels needs --train"),
        (["--adapters", "8,0"], "--adapters: '0' is not a number of adapters"),
        (["--adapters", "2", "--method", "head"], "acts nowhere in a frozen model"),
        (["--adapters", ""], "--adapters: '' is not a number of adapters"),
        (["--adapters", "33"], "--adapters: more adapters than the 32 rows of a batch"),
        (["--adapters", "2", "--method", "lora,prompt_tuning"], "a mixed batch cannot hold"),
        (["--tokenizer-only"], "--tokenizer-only needs the texts of --train"),
        (["--max-length", "41"], "--max-length must be in 1 ... 40 for this model"),
    ])
    func `settings that cannot be measured are errors`(
        arguments: [String],
        problem: String
    ) async throws {
        let shop = try Workshop()
        let command = ["bench", "--model", shop.model] + arguments
        let outcome = try await GraftCommand.run(command, in: shop.path)
        #expect(outcome.status != 0 && outcome.output.isEmpty)
        #expect(outcome.errors.contains(problem), "\(outcome.errors)")
    }
}

import GraftAdapters
import GraftLayers
import GraftTestSupport
import GraftTorch
import Testing

@Suite("LoRA at one projection")
struct LoRATests {
    private let site = Site(.encoder, layer: 0, .query)

    /// A projection of seeded numbers, 7 to 5, and an input of 40 tokens.
    private struct Bench {
        let linear: Linear
        let input: Tensor
        let output: Tensor

        init() throws {
            let generator = try Generator(seed: 3)
            let source = StoredParameters([
                "weight": try generator.normal([5, 7]), "bias": try generator.normal([5]),
            ])
            linear = try Linear(7, 5, ParameterScope(source))
            input = try generator.normal([40, 7])
            output = try linear(input)
        }
    }

    /// A method as users write it, at the only projection.
    private func method(_ text: String) throws -> any AdapterMethod {
        try AdapterRegistry.builtin.method(
            named: text.dropLast() + ",target_modules=all-linear]"
        )
    }

    private func adapter(
        _ text: String,
        _ bench: Bench,
        _ parameters: [String: Tensor]? = nil
    ) throws -> any LinearAdapter {
        var sites = SiteMap()
        sites.linear = [LinearSite(site, bench.linear)]
        let named = parameters.map { parameters in
            Dictionary(
                uniqueKeysWithValues: parameters.map { ("encoder.0.query.\($0.key)", $0.value) }
            )
        }
        let source: any ParameterSource =
            named.map { StoredParameters($0) } ?? FreshParameters(seed: 4)
        let adapters = try method(text).attached(to: sites, ParameterScope(source))
        return try #require(adapters.linear[site])
    }

    private func context(seed: UInt64?) throws -> ForwardContext {
        ForwardContext(layout: try RaggedLayout(lengths: [40]), dropoutSeed: seed)
    }

    private static func factors() throws -> [String: Tensor] {
        let generator = try Generator(seed: 5)
        return [
            "lora_A": try generator.normal([2, 7]), "lora_B": try generator.normal([5, 2]),
            "magnitude": try generator.uniform([5], in: 1..<3),
        ]
    }

    @Test
    func `dropout falls on the factors' input alone`() throws {
        let bench = try Bench()
        var factors = try LoRATests.factors()
        factors["magnitude"] = nil
        let adapter = try adapter("lora[r=2,alpha=6,dropout=0.5]", bench, factors)
        let context = try context(seed: 9)
        let dropped = try context.dropout(bench.input, 0.5, at: site, "lora")
        #expect(try !dropped.isEqual(to: bench.input))
        let expected =
            try bench.output
            + dropped.linear(#require(factors["lora_A"])).linear(#require(factors["lora_B"])) * 3
        let found = try adapter(input: bench.input, output: bench.output, in: context)
        try expectClose(found, expected)
    }

    @Test
    func `DoRA drops the frozen projection's input as peft does`() throws {
        let bench = try Bench()
        let factors = try LoRATests.factors()
        let adapter = try adapter("dora[r=2,alpha=6,dropout=0.5]", bench, factors)
        let context = try context(seed: 9)
        let dropped = try context.dropout(bench.input, 0.5, at: site, "lora")
        let (a, b) = (try #require(factors["lora_A"]), try #require(factors["lora_B"]))
        let weight = try bench.linear.weight.dense()
        let adapted = try weight + b.matmul(a) * 3
        let norms = try adapted.squared().sum(along: 1).squareRoot()
        let gain = try #require(factors["magnitude"]) / norms
        // result + (gain - 1) W d + gain s B A d, of peft's `DoraLinearVariant.forward`
        let expected =
            try bench.output + (gain + -1) * dropped.linear(weight)
            + gain * (dropped.linear(a).linear(b) * 3)
        let found = try adapter(input: bench.input, output: bench.output, in: context)
        try expectClose(found, expected)
    }

    @Test(arguments: [
        "lora[init_weights=bert,r=2,dropout", "dora[init_weights=bert,r=2,dropout",
        "lora[init_weights=bert,use_gating=true,r=2,dropout", "pissa[r=2,dropout",
        "vera[r=2,vera_dropout",
    ])
    func `dropout acts in training and not in evaluation`(text: String) throws {
        let bench = try Bench()
        let ones = [
            "d": try Tensor(repeating: 1, shape: [2]), "b": try Tensor(repeating: 1, shape: [5]),
        ]
        let parameters = text.hasPrefix("vera") ? ones : nil
        let dropping = try adapter(text + "=0.5]", bench, parameters)
        let plain = try adapter(text + "=0]", bench, parameters)
        let (evaluation, training) = (try context(seed: nil), try context(seed: 2))
        let expected = try plain(input: bench.input, output: bench.output, in: evaluation)
        let found = try dropping(input: bench.input, output: bench.output, in: evaluation)
        try expectIdentical(found, expected)
        let dropped = try dropping(input: bench.input, output: bench.output, in: training)
        #expect(try !dropped.isEqual(to: expected))
    }

    @Test
    func `PiSSA starts as the best approximation of the frozen weight`() throws {
        let bench = try Bench()
        let fresh = FreshParameters(seed: 4)
        var sites = SiteMap()
        sites.linear = [LinearSite(site, bench.linear)]
        _ = try method("pissa[r=2,alpha=6]").attached(to: sites, ParameterScope(fresh))
        let (a, b) = (fresh.parameters[0].value, fresh.parameters[1].value)
        let weight = try bench.linear.weight.dense()
        let (left, values, right) = try weight.singularValueDecomposition()
        let rest = try (left.narrowed(2..<5, along: 1) * values.narrowed(2..<5))
            .matmul(right.narrowed(2..<5))
        try expectClose(b.matmul(a) * 3 + rest, weight, "weight")
        // Both factors carry the roots of the singular values.
        let roots = try (values.narrowed(0..<2) * (1 / 3.0)).squareRoot()
        try expectClose(a.squared().sum(along: 1).squareRoot(), roots, "rows of A")
        try expectClose(b.squared().sum(along: 0).squareRoot(), roots, "columns of B")
    }

    @Test
    func `a frozen row of zeros has a norm to divide by`() throws {
        let source = StoredParameters(["weight": try Tensor(zeros: [2, 3])])
        var sites = SiteMap()
        sites.linear = [LinearSite(site, try Linear(3, 2, bias: false, ParameterScope(source)))]
        let adapters = try method("dora[r=2]")
            .attached(to: sites, ParameterScope(FreshParameters(seed: 1)))
        let adapter = try #require(adapters.linear[site])
        let (x, y) = (try Tensor(repeating: 1, shape: [40, 3]), try Tensor(zeros: [40, 2]))
        try expectIdentical(adapter(input: x, output: y, in: context(seed: nil)), y)
    }
}

import Foundation
import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

@Suite("Arithmetic over the weights of trained adapters")
struct WeightArithmeticTests {
    typealias Adapter = (name: String, method: any AdapterMethod, parameters: [String: Tensor])

    /// A case of `Tools/reference/arithmetic.py`, as its metadata describe it.
    private struct Case: Decodable {
        let operation: String
        let weights: [Double]
        let rank: Int?
        let density: Double?
        let sign: String?

        func arithmetic() throws -> WeightArithmetic {
            try WeightArithmetic(
                #require(WeightArithmetic.Operation(rawValue: operation)),
                count: weights.count,
                weights: weights,
                rank: rank,
                density: density,
                election: #require(WeightArithmetic.SignElection(rawValue: sign ?? "total"))
            )
        }
    }

    /// An adapter of the tiny BERT with values that matter.
    private func adapter(
        _ name: String,
        _ expression: String,
        on sites: SiteMap
    ) throws -> Adapter {
        let method = try AdapterRegistry.builtin.method(named: expression)
        let seed = StableHash.of(name)
        let fresh = FreshParameters(seed: seed)
        _ = try method.attached(to: sites, ParameterScope(fresh) / "adapter")
        let generator = try Generator(seed: seed)
        let values = try fresh.parameters.map { name, value in
            (name, try value.moved(to: testDevice) + generator.noise(value.shape, deviation: 0.3))
        }
        return (name, method, Dictionary(uniqueKeysWithValues: values))
    }

    private func attached(_ combined: CombinedAdapter, to sites: SiteMap) throws -> SiteAdapters {
        try attached(("combined", combined.method, combined.parameters), to: sites)
    }

    private func attached(_ adapter: Adapter, to sites: SiteMap) throws -> SiteAdapters {
        let stored = StoredParameters(
            try adapter.parameters.mapValues { try $0.moved(to: testDevice) }
        )
        let adapters = try adapter.method.attached(to: sites, ParameterScope(stored) / "adapter")
        try stored.checkAllUsed()
        return adapters
    }

    /// What adapters add to the output of each projection at which they act.
    private func changes(_ adapters: SiteAdapters, _ sites: SiteMap) throws -> [Site: Tensor] {
        let context = ForwardContext(layout: try RaggedLayout(lengths: [3, 2]))
        let generator = try Generator(seed: 7)
        var changes: [Site: Tensor] = [:]
        for target in sites.linear {
            let input = try generator.noise([5, target.inputSize], deviation: 1)
            guard let adapter = adapters.linear[target.site] else { continue }
            let output = try target.linear(input)
            let adapted = try adapter(input: input, output: output, in: context)
            changes[target.site] = try (adapted - output).detached()
        }
        return changes
    }

    @Test func `sums of updates equal those of peft`() throws {
        let fixture = try Fixture("arithmetic/lora")
        let methods: [String: String] = try fixture.json("methods")
        let cases: [String: Case] = try fixture.json("cases")
        let adapters = try methods.sorted { $0.key < $1.key }.map { name, expression -> Adapter in
            (
                name, try AdapterRegistry.builtin.method(named: expression),
                fixture.tensors(below: name + ".")
            )
        }
        #expect(cases.count == 6)
        for (name, example) in cases {
            let combined = try example.arithmetic()(adapters)
            for (site, expected) in fixture.tensors(below: name + ".") {
                let a = try #require(combined.parameters["adapter.\(site).lora_A"])
                let b = try #require(combined.parameters["adapter.\(site).lora_B"])
                try expectClose(b.matmul(a), expected, "\(name) at \(site)")
            }
            #expect((name == "svd" || name == "ties") == (combined.kept < 0.9999), "\(name)")
            _ = try attached(combined, to: referenceEncoder().sites)
        }
    }

    @Test(arguments: [
        ("lora[r=4,alpha=8]", "lora[r=2,alpha=3]"),
        ("rslora[r=4,alpha=3]", "lora[r=3,init_weights=bert]"),
        ("lora[r=2,bias=lora_only]", "rslora[r=2,bias=lora_only]"),
        (
            #"lora[r=4,rank_pattern={"query":1,"1.value":3},alpha_pattern={"0.value":5}]"#,
            #"lora[r=2,rank_pattern={"1.query":3}]"#
        ),
        ("ia3", "ia3"), ("adalora[init_r=4,target_r=2]", "adalora[init_r=3,target_r=1]"),
    ])
    func `a sum adds up what the adapters add to outputs`(a: String, b: String) throws {
        let sites = try referenceEncoder().sites
        let (a, b) = (try adapter("a", a, on: sites), try adapter("b", b, on: sites))
        let (own, others) = (
            try changes(attached(a, to: sites), sites), try changes(attached(b, to: sites), sites)
        )
        for (operation, weights, factors) in [
            (WeightArithmetic.Operation.linear, [0.7, -1.3], [0.7, -1.3]),
            (.linear, nil, [0.5, 0.5]), (.add, nil, [1, 1]), (.subtract, nil, [1, -1]),
        ] as [(WeightArithmetic.Operation, [Double]?, [Double])] {
            let arithmetic = try WeightArithmetic(operation, count: 2, weights: weights)
            let combined = try arithmetic([a, b])
            #expect(combined.kept == 1)
            let found = try changes(attached(combined, to: sites), sites)
            #expect(found.count == own.count && !own.isEmpty)
            for (site, change) in found {
                let (x, y) = (try #require(own[site]), try #require(others[site]))
                try expectClose(change, x * factors[0] + y * factors[1], "\(operation) at \(site)")
            }
        }
        let negated = try WeightArithmetic(.scale, count: 1, weights: [-1])([a])
        for (site, change) in try changes(attached(negated, to: sites), sites) {
            try expectClose(change, #require(own[site]) * -1, "negated at \(site)")
        }
    }

    @Test func `a rank that is large enough loses nothing, and a smaller one says how much`() throws
    {
        let sites = try referenceEncoder().sites
        let adapters = try ["a", "b"].map { try adapter($0, "lora[r=3]", on: sites) }
        let exact = try changes(
            attached(WeightArithmetic(.add, count: 2)(adapters), to: sites),
            sites
        )
        var kept: [Double] = []
        for rank in [1, 3, 5, 6] {
            let combined = try WeightArithmetic(.add, count: 2, rank: rank)(adapters)
            let found = try changes(attached(combined, to: sites), sites)
            kept.append(combined.kept)
            for (site, change) in found where rank >= 6 {
                try expectClose(change, #require(exact[site]), "rank \(rank) at \(site)")
            }
        }
        #expect(kept == kept.sorted() && kept[0] > 0.2 && kept[2] < 1 && kept[3] == 1)
        #expect {
            try WeightArithmetic(.add, count: 2, rank: 7)(adapters)
        } throws: {
            "\($0)".contains("rank: is 7, and what is combined has at most 6")
        }
    }

    @Test func `what is kept is a share of all changes, of those too that no rank limits`() throws {
        let sites = try referenceEncoder().sites
        let adapters = try ["a", "b"].map {
            try adapter($0, "lora[r=4,rank_pattern={\"query\":1}]", on: sites)
        }
        func squares(_ arithmetic: WeightArithmetic) throws -> (sum: Double, kept: Double) {
            let combined = try arithmetic(adapters)
            let sum = try combined.parameters.reduce(0.0) { sum, parameter in
                guard parameter.key.hasSuffix("lora_A") else { return sum }
                let other = String(parameter.key.dropLast("A".count)) + "B"
                let update = try #require(combined.parameters[other]).matmul(parameter.value)
                return sum + (try update.squared().sum().item())
            }
            return (sum, combined.kept)
        }
        let whole = try squares(WeightArithmetic(.add, count: 2))
        let limited = try squares(WeightArithmetic(.add, count: 2, rank: 4))
        #expect(whole.kept == 1 && limited.kept < 0.99)
        expectClose([limited.kept], [limited.sum / whole.sum])
    }

    @Test func `what dare leaves is drawn by the seed and has the same mean`() throws {
        let sites = try referenceEncoder().sites
        let adapters = try ["a", "b"].map { try adapter($0, "ia3", on: sites) }
        func drawn(_ seed: UInt64) throws -> [Float] {
            let arithmetic = try WeightArithmetic(.dare, count: 2, density: 0.25, seed: seed)
            let parameters = try arithmetic(adapters).parameters
            return try parameters.sorted { $0.key < $1.key }.flatMap { try $0.value.values() }
        }
        let whole = try WeightArithmetic(.add, count: 2)(adapters).parameters
            .sorted { $0.key < $1.key }.flatMap { try $0.value.values() as [Float] }
        #expect(try drawn(1) == drawn(1))
        #expect(try drawn(1) != drawn(2))
        // Each adapter's element stays with probability 1/4, so both are gone with 9/16.
        let draws = try (0..<400).map { try drawn($0) }
        let gone = draws.joined().count { $0 == 1 }
        let share = Double(gone) / Double(400 * whole.count)
        #expect(abs(share - 9 / 16) < 0.01)
        // Of 400 draws the mean of an element has a deviation of √(3/400) of its parts.
        let errors = whole.indices.map { element in
            let mean = draws.reduce(0) { $0 + Double($1[element]) } / 400
            return abs(mean - Double(whole[element]))
        }
        #expect(errors.reduce(0, +) / Double(errors.count) < 0.06)
    }

    @Test func `of updates of LoRA dare draws elements of the whole matrix`() throws {
        let sites = try referenceEncoder().sites
        let adapters = try ["a", "b"].map { try adapter($0, "lora[r=2]", on: sites) }
        /// The elements of all updates, in the order of their sites.
        func updates(_ arithmetic: WeightArithmetic, _ adapters: [Adapter]) throws -> [Float] {
            let combined = try arithmetic(adapters)
            return try combined.parameters.keys.sorted().flatMap { name -> [Float] in
                guard name.hasSuffix("lora_A") else { return [] }
                let b = try #require(combined.parameters[name.dropLast() + "B"])
                return try b.matmul(#require(combined.parameters[name])).values()
            }
        }
        // All 16 ranks of a matrix, so that nothing but the draw changes it.
        func drawn(_ seed: UInt64) throws -> [Float] {
            try updates(
                WeightArithmetic(.dare, count: 2, rank: 16, density: 0.25, seed: seed),
                adapters
            )
        }
        let alone = try adapters.map {
            try updates(WeightArithmetic(.scale, count: 1, weights: [4]), [$0])
        }
        let found = try drawn(1)
        #expect(try found == drawn(1))
        var counts = [0, 0, 0, 0]
        for (element, value) in found.enumerated() {
            let (a, b) = (alone[0][element], alone[1][element])
            let errors = [0, a, b, a + b].map { abs(value - $0) }
            let nearest = try #require(errors.indices.min { errors[$0] < errors[$1] })
            #expect(errors[nearest] < 1e-4, "element \(element)")
            counts[nearest] += 1
        }
        // Four projections of 16 x 16: none stays with 9/16, one alone with 3/16, both with 1/16.
        for (count, share) in zip(counts, [9.0, 3, 3, 1]) {
            #expect(abs(Double(count) / Double(found.count) - share / 16) < 0.06)
        }
        let other = try drawn(2)
        #expect(zip(found, other).count { abs($0 - $1) > 1e-3 } > found.count / 4)
    }

    @Test func `unions combine member by member`() throws {
        let sites = try referenceEncoder().sites
        let adapters = try ["a", "b"].map { try adapter($0, "lora[r=2]|seq_bn", on: sites) }
        let combined = try WeightArithmetic(.linear, count: 2, weights: [0.25, 0.75])(adapters)
        _ = try attached(combined, to: sites)
        #expect(combined.parameters["adapter.encoder.0.query.0.lora_A"]?.shape == [4, 16])
        let name = "adapter.encoder.1.feed_forward.1.down.weight"
        let (a, b) = (
            try #require(adapters[0].parameters[name]), try #require(adapters[1].parameters[name])
        )
        try expectClose(#require(combined.parameters[name]), a * 0.25 + b * 0.75)
    }

    @Test(arguments: [
        (["lora", "seq_bn"], WeightArithmetic.Operation.linear, "'b' is of bottleneck"),
        (["dora", "dora"], .linear, "'linear' cannot be done to 'a': what DoRA changes"),
        (["lora", "dora"], .add, "adapter.encoder.0.query.magnitude: 'b' has it, 'a' does not"),
        (["pissa", "pissa"], .linear, "the update of PiSSA"),
        (["lora[use_gating=true]", "lora[use_gating=true]"], .linear, "depends on the row"),
        (["seq_bn", "seq_bn"], .add, "(hint: linear of two or more, with weights that sum to 1)"),
        (["seq_bn", "seq_bn[reduction_factor=4]"], .linear, "reduction_factor: is 4 in 'b'"),
        (["seq_bn", "seq_bn[non_linearity=gelu]"], .linear, "non_linearity: is \"gelu\" in 'b'"),
        (["lora", "lora[target_modules=all-linear]"], .linear, "'b' has it, 'a' does not"),
        (["loreft", "loreft"], .linear, "'linear' cannot be done to LoReFT"),
        (["head", "head"], .linear, "'linear' cannot be done to head"),
        (["full", "full"], .linear, "'linear' cannot be done to full"),
    ])
    func `what has no such sum is refused by name`(
        methods: [String],
        operation: WeightArithmetic.Operation,
        message: String
    ) throws {
        let sites = try referenceEncoder().sites
        let adapters = try zip(["a", "b"], methods).map { try adapter($0, $1, on: sites) }
        let error = #expect(throws: (any Error).self) {
            try WeightArithmetic(operation, count: 2)(adapters)
        }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains(message), "\(text)")
    }

    @Test(arguments: ["dropout=0.3", "init_weights=mam_adapter", "stochastic_depth=0.5"])
    func `adapters that were trained otherwise have a mean`(setting: String) throws {
        let sites = try referenceEncoder().sites
        let adapters = [
            try adapter("a", "seq_bn", on: sites),
            try adapter("b", "seq_bn[\(setting)]", on: sites),
        ]
        let combined = try WeightArithmetic(.linear, count: 2)(adapters)
        for (name, found) in combined.parameters {
            let (a, b) = (adapters[0].parameters[name], adapters[1].parameters[name])
            try expectClose(found, (#require(a) + #require(b)) * 0.5, name)
        }
    }

    @Test func `a tensor of another shape is named`() throws {
        let sites = try referenceEncoder().sites
        var adapters = try ["a", "b"].map { try adapter($0, "lora[r=2]", on: sites) }
        let name = "adapter.encoder.1.value.lora_B"
        adapters[1].parameters[name] = try Tensor(zeros: [17, 2])
        let error = #expect(throws: ParameterError.self) {
            try WeightArithmetic(.add, count: 2)(adapters)
        }
        #expect(error?.name == name && error?.problem.contains("found [17, 2]") == true)
    }

    @Test func `settings that do not go with an operation are refused`() {
        for (make, message) in [
            ({ try WeightArithmetic(.linear, count: 1) }, "needs two adapters"),
            ({ try WeightArithmetic(.scale, count: 2, weights: [1, 1]) }, "takes one adapter"),
            ({ try WeightArithmetic(.scale, count: 1) }, "needs a factor"),
            ({ try WeightArithmetic(.add, count: 2, weights: [1, 1]) }, "has none"),
            ({ try WeightArithmetic(.linear, count: 2, weights: [1]) }, "expected 2"),
            ({ try WeightArithmetic(.svd, count: 2) }, "needs the rank"),
            ({ try WeightArithmetic(.linear, count: 2, rank: 0) }, "must be positive"),
            ({ try WeightArithmetic(.ties, count: 2) }, "needs the share"),
            ({ try WeightArithmetic(.ties, count: 2, density: 1.5) }, "at most 1"),
            ({ try WeightArithmetic(.linear, count: 2, density: 0.5) }, "is for ties"),
        ] as [(() throws -> WeightArithmetic, String)] {
            let error = #expect(throws: ConfigurationError.self) { try make() }
            #expect(error?.problem.contains(message) == true, "\(String(describing: error))")
        }
    }
}

import Foundation
import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

@Suite("Compositions")
struct CompositionTests {
    private let base: BaseModel

    init() throws { base = try TinyModel().base }

    /// An adapter with values that matter, the same for equal seeds.
    private func adapters(_ expression: String, seed: UInt64) throws -> SiteAdapters {
        try AdapterRegistry.builtin.method(named: expression)
            .seeded(seed, at: base.encoder.sites)
    }

    private func composed(
        _ text: String,
        _ methods: [String: String],
        scope: any ParameterSource = FreshParameters(seed: 1)
    ) throws -> SiteAdapters {
        let methods = try methods.mapValues { try AdapterRegistry.builtin.method(named: $0) }
        return try Composed(Composition(text), of: methods)
            .attached(to: base.encoder.sites, ParameterScope(scope))
    }

    private func hidden(_ adapters: SiteAdapters, _ batch: TokenBatch) throws -> Tensor {
        try withoutGradients { () throws in
            let context = ForwardContext(layout: batch.layout, adapters: adapters)
            return try base.encoder(batch, in: context, wanted: .all).hidden
        }
    }

    private func batch() throws -> TokenBatch { try Fixture("bert/h16/expected").batch() }

    @Test(arguments: [
        "a", "stack(a,b)", "fuse(a,b,c)", "average[weights=[0.25,0.75]](a,b)",
        "split[lengths=[4]](a,b)", "stack(lang-1,average[weights=[0.5,0.5]](x.y,z))",
    ])
    func `what is written is read back`(text: String) throws {
        let composition = try Composition(text)
        #expect(composition.description == text)
        let data = try JSONEncoder().encode([composition])
        #expect(try JSONDecoder().decode([Composition].self, from: data) == [composition])
    }

    @Test(arguments: [
        ("stack(a", "closing"), ("stack(a)", "two"), ("mix(a,b)", "unknown 'mix'"),
        ("average[weights=[1]](a,b)", "2 numbers"), ("split(a,b)", "lengths"),
        ("stack[depth=1](a,b)", "'depth'"), ("a|b", "not a name"),
    ])
    func `what cannot be read is named`(text: String, reason: String) {
        let error = #expect(throws: ConfigurationError.self) { try Composition(text) }
        #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
    }

    @Test(arguments: [
        ("average[weights=[3,1]](a,b)", [0.75, 0.25]),
        ("average[weights=[1,1,1,1,1,1,1]](a,b,c,d,e,f,g)", [Double](repeating: 1.0 / 7, count: 7)),
    ])
    func `weights are made to sum to 1`(text: String, expected: [Double]) throws {
        let composition = try Composition(text)
        guard case .average(_, let weights) = composition else {
            Issue.record("no average")
            return
        }
        #expect(weights == expected)
        #expect(try Composition(composition.description) == composition)
    }

    @Test
    func `groups that do not cover the batch are refused`() throws {
        let batch = try batch()
        for method in ["lora", "prefix_tuning[prefix_length=3]"] {
            let groups = try SiteAdapters.rows([(0..<1, adapters(method, seed: 1))])
            let error = #expect(throws: TorchError.self) { try hidden(groups, batch) }
            #expect(error?.description.contains("1 of \(batch.layout.rowCount) rows") == true)
        }
    }

    @Test
    func `a fusion inside a mean keeps its regulariser, and two fusions are refused`() throws {
        let methods = ["a": "seq_bn", "b": "seq_bn", "c": "seq_bn"]
        for text in [
            "fuse(a,b)", "average(fuse(a,b),c)", "stack(fuse(a,b),c)",
            "split[lengths=[2]](fuse(a,b),c)",
        ] {
            #expect(try composed(text, methods).penalty() != nil, "\(text)")
        }
        #expect(try composed("stack(a,b)", methods).penalty() == nil)
        #expect(throws: ConfigurationError.self) {
            try composed("stack(fuse(a,b),fuse(b,c))", methods)
        }
    }

    @Test
    func `the mean of equal adapters is the adapter`() throws {
        let batch = try batch()
        for method in ["seq_bn[reduction_factor=4]", "lora", "ia3"] {
            let one = try adapters(method, seed: 4)
            let mean = try SiteAdapters.average([one, one, one], weights: [0.5, 0.2, 0.3])
            try expectClose(hidden(mean, batch), hidden(one, batch), tolerance: 1e-5)
        }
    }

    @Test
    func `a mean takes what does not act as the frozen model`() throws {
        let batch = try batch()
        let one = try adapters("lora[alpha=8]", seed: 4)
        let half = try adapters("lora[alpha=4]", seed: 4)
        let mean = try SiteAdapters.average([one, SiteAdapters()], weights: [0.5, 0.5])
        try expectClose(hidden(mean, batch), hidden(half, batch), tolerance: 1e-5)
    }

    @Test(arguments: ["seq_bn[reduction_factor=4,leave_out=[0]]", "lora[leave_out=[0]]"])
    func `a split gives each range its adapter`(method: String) throws {
        let batch = try batch()
        let (a, b) = (try adapters(method, seed: 1), try adapters(method, seed: 2))
        // At queries and values alone would mix tokens: only hidden sites act on single tokens.
        guard a.linear.isEmpty else {
            #expect(throws: Never.self) {
                try hidden(SiteAdapters.split([a, b], lengths: [2]), batch)
            }
            return
        }
        let (first, rest) = (try hidden(a, batch), try hidden(b, batch))
        let found = try hidden(SiteAdapters.split([a, b], lengths: [2]), batch)
        for row in 0..<batch.layout.rowCount {
            for token in batch.layout.offsets[row]..<batch.layout.offsets[row + 1] {
                let isFirst = token - batch.layout.offsets[row] < 2
                let range = Int(token)..<Int(token) + 1
                try expectClose(
                    found.narrowed(range),
                    (isFirst ? first : rest).narrowed(range),
                    tolerance: 1e-5,
                    "row \(row), token \(token)"
                )
            }
        }
    }

    @Test
    func `rows of a mixed batch are as they are alone`() throws {
        let batch = try batch()
        let rows = batch.layout.rowCount
        let methods = [
            "double_seq_bn[reduction_factor=4]", "lora", "ia3", "prefix_tuning[prefix_length=3]",
            "adapter_plus[reduction_factor=4]", "lora[use_gating=true]",
        ]
        for (first, second) in zip(methods, methods.dropFirst() + [methods[0]]) {
            let (a, b) = (try adapters(first, seed: 1), try adapters(second, seed: 2))
            let mixed = try SiteAdapters.rows([
                (0..<1, a), (1..<2, SiteAdapters()), (2..<rows, b),
            ])
            let found = try hidden(mixed, batch)
            for (range, alone) in [(0..<1, a), (1..<2, SiteAdapters()), (2..<rows, b)] {
                let tokens =
                    Int(
                        batch.layout.offsets[range.lowerBound]
                    )..<Int(
                        batch.layout.offsets[range.upperBound]
                    )
                try expectClose(
                    found.narrowed(tokens),
                    hidden(alone, batch).narrowed(tokens),
                    tolerance: 1e-5,
                    "\(first) with \(second), rows \(range)"
                )
            }
        }
    }

    @Test
    func `what cannot be composed is refused by name`() throws {
        let norms = try adapters("layer_norm", seed: 1)
        let prefix = try adapters("prefix_tuning", seed: 1)
        for body: @Sendable () throws -> SiteAdapters in [
            { try .rows([(0..<1, norms), (1..<2, prefix)]) },
            { try .average([prefix, prefix], weights: [0.5, 0.5]) },
            { try .split([norms, prefix], lengths: [1]) },
        ] {
            let error = #expect(throws: ConfigurationError.self) { _ = try body() }
            #expect(error?.description.contains("encoder.") == true)
        }
    }

    @Test
    func `a member that is missing is named`() throws {
        let error = #expect(throws: ConfigurationError.self) {
            _ = try composed("stack(lang,task)", ["lang": "seq_bn", "tusk": "seq_bn"])
        }
        #expect(error?.description.contains("'task' (hint: there is 'tusk')") == true)
    }

    @Test
    func `a stored composition comes back`() throws {
        let method = try AdapterRegistry.builtin.method(named: "seq_bn[reduction_factor=4]")
        let composed = try Composed(
            Composition(" stack( a , b ) "),
            of: ["a": method, "b": method]
        )
        let data = try JSONEncoder().encode(composed)
        let found = try JSONDecoder().decode(Composed.self, from: data)
        #expect(found.composition == composed.composition)
        #expect(found.members.map(\.name) == ["a", "b"])
    }
}

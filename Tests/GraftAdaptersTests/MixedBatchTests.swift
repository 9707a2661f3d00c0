import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

@Suite("Mixed batches")
struct MixedBatchTests {
    private let base: BaseModel

    init() throws { base = try TinyModel().base }

    /// An adapter with values that matter.
    private func adapters(_ expression: String, seed: UInt64) throws -> SiteAdapters {
        let method = try AdapterRegistry.builtin.method(named: expression)
        let source = MovedParameters(seed: seed)
        return try method.attached(to: base.encoder.sites, ParameterScope(source))
    }

    private func hidden(_ adapters: SiteAdapters, _ batch: TokenBatch) throws -> Tensor {
        let context = ForwardContext(layout: batch.layout, adapters: adapters)
        return try base.encoder(batch, in: context, wanted: .all).hidden
    }

    /// Rows of different lengths.
    private func rows(_ count: Int) -> [(ids: [Int32], typeIDs: [Int32])] {
        (0..<count).map { row in
            let ids = (0..<3 + row % 5).map { Int32(5 + (row * 7 + $0 * 3) % 50) }
            return (ids, ids.map { _ in 0 })
        }
    }

    @Test(arguments: [
        ["double_seq_bn[reduction_factor=4]"], ["lora[r=2]"],
        ["lora[r=2,bias=lora_only]", "lora[r=3]"],
        ["seq_bn[reduction_factor=4]", "lora[r=2]", "ia3"],
        [
            "par_bn[reduction_factor=4]", "seq_bn[use_gating=true]",
            "prefix_tuning[prefix_length=2]",
        ],
        ["dora[r=2]", "adapter_plus[reduction_factor=4]", "scaled_par_bn", "compacter"],
        ["loreft[r=2]", "lora[r=2,use_gating=true]", "vera[r=2]", "pissa[r=2]"],
    ])
    func `every row is as it is alone`(methods: [String]) throws {
        let count = 12
        let members = try (0..<6).map {
            try adapters(methods[$0 % methods.count], seed: UInt64($0))
        }
        // Members in no order, rows without one, members with several rows and with none.
        let choices: [Int?] = [3, 0, nil, 1, 4, 0, 2, nil, 3, 1, 0, 4]
        let mixed = try MixedBatch(members, of: choices)
        #expect(mixed.order.sorted() == Array(0..<count))
        let rows = rows(count)
        try withoutGradients { () throws in
            let batch = try TokenBatch(rows: mixed.order.map { rows[$0] })
            let found = try hidden(mixed.adapters, batch)
            for (place, row) in mixed.order.enumerated() {
                let alone = try TokenBatch(rows: [rows[row]])
                let adapters = choices[row].map { members[$0] } ?? SiteAdapters()
                try expectClose(
                    found.narrowed(batch.layout.tokens(of: place..<place + 1)),
                    hidden(adapters, alone),
                    tolerance: 1e-5,
                    "row \(row) of \(methods)"
                )
            }
        }
    }

    @Test
    func `rows of one adapter lie together, and those of one kind beside each other`() throws {
        let members = try [
            adapters("lora[r=2]", seed: 0), adapters("seq_bn", seed: 1),
            adapters("lora[r=2]", seed: 2), adapters("seq_bn", seed: 3),
        ]
        let mixed = try MixedBatch(members, of: [3, 2, 1, 0, nil, 3, 0])
        #expect(mixed.order == [3, 6, 1, 2, 0, 5, 4])
    }

    @Test(arguments: [
        "double_seq_bn[reduction_factor=4,dropout=0.3]", "lora[r=2,dropout=0.3]",
    ])
    func `adapters that run as one learn as they do alone`(method: String) throws {
        let sources = (0..<3).map { MovedParameters(seed: $0) }
        let parsed = try AdapterRegistry.builtin.method(named: method)
        let members = try sources.map {
            try parsed.attached(to: base.encoder.sites, ParameterScope($0))
        }
        let (rows, keys) = (rows(6), (0..<6).map(Int64.init))
        let choices = [0, 0, 1, 2, 2, 2]
        let mixed = try MixedBatch(members, of: choices)
        #expect(mixed.order == Array(0..<6))
        func loss(_ adapters: SiteAdapters, _ range: Range<Int>) throws -> Tensor {
            let batch = try TokenBatch(rows: Array(rows[range]), keys: Array(keys[range]))
            let context = ForwardContext(
                layout: batch.layout,
                adapters: adapters,
                dropoutSeed: 11
            )
            return try base.encoder(batch, in: context, wanted: .all).hidden.squared().sum()
        }
        let leaves = sources.flatMap(\.leaves)
        #expect(leaves.count > 3)
        let found = try gradients(of: loss(mixed.adapters, 0..<6), for: leaves)
        let ranges = [0..<2, 2..<3, 3..<6]
        let apart = try zip(members, ranges).map { try loss($0, $1) }
        let expected = try gradients(of: apart[0] + apart[1] + apart[2], for: leaves)
        for (found, expected) in zip(found, expected) {
            try expectClose(found, expected, tolerance: 1e-4)
        }
    }

    @Test
    func `groups that do not cover the batch are refused`() throws {
        let batch = try TokenBatch(rows: rows(3))
        for method in ["lora", "seq_bn", "prefix_tuning[prefix_length=3]"] {
            let groups = try SiteAdapters.rows([(0..<1, adapters(method, seed: 1))])
            let error = #expect(throws: TorchError.self) { try hidden(groups, batch) }
            #expect(error?.description.contains("1 of 3 rows") == true)
        }
    }
}

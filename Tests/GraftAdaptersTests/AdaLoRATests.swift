import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

@Suite("AdaLoRA")
struct AdaLoRATests {
    static let cases = MethodCase.names(in: ["adalora"])

    private func method(_ settings: String = "") throws -> any AdapterMethod {
        try AdapterRegistry.builtin.method(named: "adalora[\(settings)]")
    }

    /// A buffer with what the method trains in the tiny BERT, at values that matter.
    private func buffer(_ method: any AdapterMethod) throws -> ParameterBuffer {
        let moved = FreshParameters(seed: 4)
        _ = try method.attached(
            to: referenceEncoder().sites,
            ParameterScope(moved) / "adapter"
        )
        let generator = try Generator(seed: 4)
        let values = try moved.parameters.map { name, value in
            (name: name, value: try value + generator.normal(value.shape, deviation: 0.3))
        }
        return try ParameterBuffer(values)
    }

    /// Which ranks have a factor, in the order of the buffer.
    private func factors(_ buffer: ParameterBuffer, _ values: Tensor) throws -> [Bool] {
        try buffer.slices.filter { $0.name.hasSuffix("lora_E") }
            .flatMap { try values.narrowed($0.range).values() as [Float] }.map { $0 != 0 }
    }

    @Test(arguments: cases)
    func `as many ranks are left behind each step as in peft`(name: String) throws {
        let example = try MethodCase(name)
        let expected: [Int] = try example.fixture.json("ranks")
        var found: [Int] = []
        try example.takeTenSteps { buffer in
            found.append(try factors(buffer, buffer.values).count { $0 })
        }
        #expect(found == expected)
    }

    @Test func `budgets fall to the target and ranks that went stay away in the end`() throws {
        let method = try method("init_r=4,target_r=1,tinit=2,tfinal=3,deltaT=2")
        let buffer = try buffer(method)
        let generator = try Generator(seed: 9)
        var rule = try #require(try method.stepRule(for: buffer.slices, steps: 12))
        var left: [Int] = []
        var last: [Bool] = []
        for step in 1...12 {
            // A step of an optimizer that moves everything.
            let moved = try buffer.values + generator.normal([buffer.count], deviation: 0.1)
            try buffer.load(moved)
            let gradient = try generator.normal([buffer.count], deviation: 1)
            let changed = try rule.act(after: step, values: buffer.values, gradient: gradient)
            // Ranks go in even steps behind the second, and in all from the ninth on.
            #expect((changed != nil) == (step > 2 && step % 2 == 0 || step >= 9), "step \(step)")
            if let changed { try buffer.load(changed) }
            let now = try factors(buffer, buffer.values)
            left.append(now.count { $0 })
            if step > 9 { #expect(now == last, "step \(step)") }
            last = now
            // Nothing but factors is changed.
            guard let changed else { continue }
            for slice in buffer.slices where !slice.name.hasSuffix("lora_E") {
                try expectIdentical(changed.narrowed(slice.range), moved.narrowed(slice.range))
            }
        }
        let (all, target) = (4 * 4, 4)
        #expect(left[0] == all && left[1] == all && left[2] == all)
        #expect(left[3] < all && left[5] < left[3] && left[7] <= left[5])
        #expect(left.suffix(4).allSatisfy { $0 == target }, "\(left)")
    }

    @Test(arguments: [1, 5, 9, 11])
    func `a rule that was stored goes on as it would have`(stop: Int) throws {
        let method = try method("init_r=4,target_r=1,tfinal=3")
        func values(resuming: Bool) throws -> [Float] {
            let buffer = try buffer(method)
            let generator = try Generator(seed: 9)
            var rule = try #require(try method.stepRule(for: buffer.slices, steps: 12))
            for step in 1...12 {
                try buffer.load(
                    buffer.values + generator.normal([buffer.count], deviation: 0.1)
                )
                let gradient = try generator.normal([buffer.count], deviation: 1)
                let changed = try rule.act(after: step, values: buffer.values, gradient: gradient)
                if let changed { try buffer.load(changed) }
                guard resuming, step == stop else { continue }
                let state = try rule.state
                rule = try #require(try method.stepRule(for: buffer.slices, steps: 12))
                try rule.restore(state)
            }
            return try buffer.values.values()
        }
        #expect(try values(resuming: true) == values(resuming: false))
    }

    @Test func `a state of other parameters is refused`() throws {
        let method = try method("init_r=4,target_r=1")
        var rule = try #require(try method.stepRule(for: buffer(method).slices, steps: 3))
        #expect(throws: ParameterError.self) { try rule.restore([:]) }
        let other = try self.method("init_r=3,target_r=1")
        let stranger = try #require(try other.stepRule(for: buffer(other).slices, steps: 3))
        #expect(throws: ParameterError.self) { try rule.restore(stranger.state) }
    }

    @Test func `members of a union have rules of their own`() throws {
        let method = try AdapterRegistry.builtin.method(
            named: "seq_bn|adalora[init_r=4,target_r=1]"
        )
        let buffer = try buffer(method)
        var rule = try #require(try method.stepRule(for: buffer.slices, steps: 2))
        let gradient = try Generator(seed: 3).normal([buffer.count], deviation: 1)
        var other = try #require(try method.stepRule(for: buffer.slices, steps: 9))
        _ = try other.act(after: 1, values: buffer.values, gradient: gradient)
        #expect(Set(try other.state.keys) == ["1.sensitivity", "1.uncertainty", "1.kept"])
        try rule.restore(other.state)
        let changed = try #require(
            try rule.act(after: 2, values: buffer.values, gradient: gradient)
        )
        #expect(try factors(buffer, changed).count { $0 } == 4)
        let without = try AdapterRegistry.builtin.method(named: "seq_bn|lora")
        #expect(try without.stepRule(for: self.buffer(without).slices, steps: 1) == nil)
    }

    @Test func `a merged projection computes what the adapted one does`() throws {
        let sites = try referenceEncoder().sites
        let adapters = try method("target_modules=all-linear").seeded(3, at: sites)
        let merged = try adapters.merged(into: sites)
        #expect(merged.count == sites.linear.count)
        let context = ForwardContext(layout: try RaggedLayout(lengths: [5]))
        for target in sites.linear {
            let x = try Generator(seed: 1).noise([5, target.inputSize], deviation: 1)
            let adapter = try #require(adapters.linear[target.site])
            let (weight, bias) = try #require(merged[target.site])
            try expectClose(
                x.linear(weight, bias: bias),
                adapter(input: x, output: target.linear(x), in: context),
                "\(target.site)"
            )
        }
    }

    @Test func `what is in a composition adds to the loss too`() throws {
        let sites = try referenceEncoder().sites
        func trained(_ settings: String = "", seed: UInt64) throws -> SiteAdapters {
            try method(settings)
                .attached(to: sites, ParameterScope(MovedParameters(seed: seed)))
        }
        let (a, b) = (try trained(seed: 1), try trained(seed: 2))
        let (own, others) = (
            try #require(try a.penalty()).item(), try #require(try b.penalty()).item()
        )
        let rows = try SiteAdapters.rows([(0..<1, a), (1..<2, b)])
        let average = try SiteAdapters.average([a, b], weights: [0.5, 0.5])
        let split = try SiteAdapters.split([a, b], lengths: [2])
        for adapters in [rows, average, split] {
            let sum = try #require(try adapters.penalty()).item()
            expectClose([sum], [own + others])
        }
        #expect(try trained("orth_reg_weight=0", seed: 1).penalty() == nil)
        // What is frozen adds nothing.
        #expect(try method().seeded(1, at: sites).penalty() == nil)
    }

    @Test func `orthonormal factors have a slope of zero`() throws {
        let sites = try referenceEncoder().sites
        let source = FreshParameters(seed: 1)
        _ = try method("init_r=1,target_r=1").attached(to: sites, ParameterScope(source))
        let leaves = try source.parameters.filter { !$0.name.hasSuffix("lora_E") }
            .map { name, value in
                let unit = [1] + [Float](repeating: 0, count: value.count - 1)
                return (name, try Tensor(unit, shape: value.shape).trainable())
            }
        let factors = source.parameters.filter { $0.name.hasSuffix("lora_E") }
            .map { ($0.name, $0.value) }
        let stored = StoredParameters(Dictionary(uniqueKeysWithValues: leaves + factors))
        let adapters = try method("init_r=1,target_r=1").attached(to: sites, ParameterScope(stored))
        let penalty = try #require(try adapters.penalty())
        for slope in try gradients(of: penalty, for: leaves.map(\.1)) {
            #expect(try slope.values().allSatisfy { ($0 as Float) == 0 })
        }
    }

    @Test(arguments: [
        ("init_r=2,target_r=3", "target_r: must be at most init_r (2), found 3"),
        ("tinit=-1", "tinit: must be 0 or more"), ("beta1=1", "beta1: must be between 0 and 1"),
        ("orth_reg_weight=-1", "orth_reg_weight: must be 0 or more"),
        ("target_r=0", "target_r: must be positive"), ("deltaT=0", "deltaT: must be positive"),
    ])
    func `settings that make no sense are refused`(settings: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try method(settings) }
        #expect("\(error.map { "\($0)" } ?? "")".contains(message))
    }

    @Test func `a run too short for its phases is refused`() throws {
        let method = try method("tinit=4,tfinal=6")
        let slices = try buffer(method).slices
        let error = #expect(throws: ConfigurationError.self) {
            try method.stepRule(for: slices, steps: 10)
        }
        #expect(error?.problem.contains("has 10 steps") == true)
        #expect(try method.stepRule(for: slices, steps: 11) != nil)
        // Nothing is known of ranks in the first step.
        let last = try self.method("tfinal=10")
        #expect(throws: ConfigurationError.self) { try last.stepRule(for: slices, steps: 11) }
    }
}

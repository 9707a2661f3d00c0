import GraftTestSupport
import GraftTorch
import Testing

/// Against torch 2.13.0; the fixture is made by `Tools/reference/optim.py`.
@Suite("AdamW against torch 2.13.0")
struct OptimizerTests {
    @Test(arguments: [("no_decay", 0.0), ("decay", 0.1)])
    func `eight steps equal the reference`(name: String, decay: Double) throws {
        let fixture = try Fixture("optim")
        let parameters = try ParameterBuffer([("p", fixture["adamw.start"])])
        var settings = AdamW.Settings()
        settings.weightDecay = decay
        var optimizer = try AdamW(for: parameters, settings: settings)
        let gradients = try fixture["adamw.gradients"]
        let expected = try fixture["adamw.\(name).values"]
        for step in 0..<gradients.size(0) {
            try optimizer.step(
                parameters,
                gradients: gradients.narrowed(step..<step + 1).reshaped(-1),
                learningRate: 1e-2
            )
            try expectClose(
                parameters.leaves[0],
                expected.narrowed(step..<step + 1).reshaped(-1),
                tolerance: 2e-7,
                "step \(step)"
            )
        }
        #expect(optimizer.step == gradients.size(0))
        try expectClose(optimizer.firstMoment, fixture["adamw.\(name).exp_avg"], tolerance: 1e-7)
        try expectClose(
            optimizer.secondMoment,
            fixture["adamw.\(name).exp_avg_sq"],
            tolerance: 1e-7
        )
    }

    @Test
    func `an optimizer goes on from stored moments bit for bit`() throws {
        let fixture = try Fixture("optim")
        let gradients = try fixture["adamw.gradients"]
        let settings = AdamW.Settings()
        func steps(_ range: Range<Int>, _ optimizer: inout AdamW, _ p: ParameterBuffer) throws {
            for step in range {
                let gradient = try gradients.narrowed(step..<step + 1).reshaped(-1)
                try optimizer.step(p, gradients: gradient, learningRate: 1e-2)
            }
        }
        let whole = try ParameterBuffer([("p", fixture["adamw.start"])])
        var first = try AdamW(for: whole, settings: settings)
        try steps(0..<8, &first, whole)

        let parts = try ParameterBuffer([("p", fixture["adamw.start"])])
        var before = try AdamW(for: parts, settings: settings)
        try steps(0..<3, &before, parts)
        let state = (before.firstMoment, before.secondMoment, before.step)
        var after = try AdamW(for: parts, settings: settings, resuming: state)
        try steps(3..<8, &after, parts)
        try expectIdentical(whole.values, parts.values)
    }

    @Test(arguments: ["above", "below"])
    func `clipping equals the reference`(name: String) throws {
        let fixture = try Fixture("optim")
        let before = try (0..<2).map { try fixture["clip.before.\($0)"] }
        let buffer = try ParameterBuffer(before.enumerated().map { ("\($0)", $1) })
        let limit = try fixture["clip.\(name).limit"].item()
        let (clipped, norm) = try buffer.flattened(before).clipped(toNorm: limit)
        expectClose([norm], [try fixture["clip.\(name).norm"].item()], tolerance: 1e-6)
        for (index, slice) in buffer.slices.enumerated() {
            try expectClose(
                clipped.narrowed(slice.range).reshaped(slice.shape),
                fixture["clip.\(name).after.\(index)"],
                tolerance: 1e-6
            )
        }
    }

    @Test
    func `no limit clips nothing`() throws {
        let gradient = try Tensor([Float(300), 400])
        let (clipped, norm) = try gradient.clipped(toNorm: 0)
        #expect(norm == 500)
        try expectIdentical(clipped, gradient)
    }

    @Test
    func `buffers of other sizes are refused`() throws {
        let parameters = try ParameterBuffer([("p", Tensor(zeros: [3]))])
        var optimizer = try AdamW(for: parameters, settings: AdamW.Settings())
        #expect(throws: TorchError.self) {
            try optimizer.step(parameters, gradients: Tensor(zeros: [2]), learningRate: 1)
        }
        #expect(optimizer.step == 0)
        #expect(throws: TorchError.self) { try parameters.load(Tensor(zeros: [4])) }
    }
}

@Suite("Parameter buffers")
struct ParameterBufferTests {
    @Test
    func `leaves are slices of the buffer`() throws {
        let a = try Tensor([Float(1), 2, 3, 4], shape: [2, 2])
        let buffer = try ParameterBuffer([("a", a), ("b", Tensor([Float(5)]))])
        #expect(buffer.slices.map(\.name) == ["a", "b"])
        #expect(buffer.slices.map(\.range) == [0..<4, 4..<5])
        #expect(buffer.leaves.map(\.shape) == [[2, 2], [1]])
        #expect(buffer.leaves.map(\.requiresGradient) == [true, true])
        try buffer.load(Tensor([Float(6), 7, 8, 9, 10]))
        #expect(try buffer.leaves[0].values(as: Float.self) == [6, 7, 8, 9])
        #expect(try buffer.leaves[1].values(as: Float.self) == [10])
        #expect(
            try a.values(as: Float.self) == [1, 2, 3, 4],
            "the initial tensor is a copy's source"
        )
    }

    @Test
    func `a snapshot does not follow later changes`() throws {
        let buffer = try ParameterBuffer([("a", Tensor([Float(1)]))])
        let snapshot = try buffer.snapshot()
        try buffer.load(Tensor([Float(2)]))
        #expect(try snapshot.item() == 1)
    }

    @Test
    func `nothing to train is an empty buffer`() throws {
        let buffer = try ParameterBuffer([])
        #expect(buffer.count == 0)
        #expect(try buffer.flattened([]).shape == [0])
    }
}

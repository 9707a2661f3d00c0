import Dispatch
import Foundation
import GraftTestSupport
import GraftTorch
import Synchronization
import Testing

@Suite("Memory of tensors")
struct MemoryTests {
    /// Owns memory that tensors view.
    private final class Owner: Sendable {
        let address: UInt

        init(_ values: [Float]) {
            let memory = UnsafeMutablePointer<Float>.allocate(capacity: values.count)
            unsafe memory.initialize(from: values, count: values.count)
            address = UInt(bitPattern: memory)
        }

        deinit { unsafe UnsafeMutablePointer<Float>(bitPattern: address)?.deallocate() }

        func tensor(_ count: Int) throws -> Tensor {
            let start = unsafe UnsafeRawPointer(bitPattern: address)
            return try unsafe Tensor(
                viewing: UnsafeRawBufferPointer(start: start, count: count * 4),
                dtype: .float32,
                shape: [count],
                owner: self
            )
        }
    }

    @Test
    func `viewed memory lives as long as a tensor over it`() throws {
        weak var observed: Owner?
        var view: Tensor?
        do {
            let owner = Owner([1, 2, 3])
            observed = owner
            view = try owner.tensor(3).narrowed(1..<3)
        }
        #expect(observed != nil)
        #expect(try view?.values(as: Float.self) == [2, 3])
        view = nil
        #expect(observed == nil)
    }

    @Test
    func `viewed memory of the wrong size is refused and its owner released`() throws {
        weak var observed: Owner?
        do {
            let owner = Owner([1])
            observed = owner
            #expect(throws: TorchError.self) {
                let start = unsafe UnsafeRawPointer(bitPattern: owner.address)
                return try unsafe Tensor(
                    viewing: UnsafeRawBufferPointer(start: start, count: 4),
                    dtype: .float32,
                    shape: [2],
                    owner: owner
                )
            }
        }
        #expect(observed == nil)
    }

    @Test
    func `tensors keep their values while others of changing sizes come and go`() throws {
        var state: UInt64 = 7
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var held: [(tensor: Tensor, value: Double)] = []
        for step in 0..<600 {
            // From below the size at which blocks are kept to well above it, and a few empty ones.
            let count = random(8) == 0 ? random(2) : 1 + random(1 << (6 + random(14)))
            held.append((try Tensor(repeating: Double(step), shape: [count]), Double(step)))
            guard held.count > 12 else { continue }
            let (tensor, value) = held.remove(at: random(held.count))
            let values: [Float] = try tensor.values()
            #expect(values.allSatisfy { $0 == Float(value) }, "step \(step), \(tensor.shape)")
            if step % 100 == 0 { Torch.trimMemory() }
        }
    }

    // In a process of its own, since other tests use memory too.
    @Test
    func `memory of freed tensors serves those of like size`() async {
        await #expect(processExitsWith: .success) {
            func residentBytes() throws -> Int {
                let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
                    .split(separator: " ")[1]
                return (Int(pages) ?? 0) * Int(getpagesize())
            }
            func work(_ round: Int) throws {
                // Some 6 MiB at once, in sizes that are never the same twice.
                let tensors = try (0..<4).map { index in
                    try Tensor(repeating: 1, shape: [300_000 + 1_000 * round + 40_000 * index])
                }
                #expect(tensors.count == 4)
            }
            try work(0)
            let before = try residentBytes()
            for round in 1..<100 { try work(round) }
            #expect(try residentBytes() - before < 8 << 20)
        }
    }

    // In a process of its own, since the count of tensors is the process's.
    @Test
    func `operations, gradients and errors leak nothing`() async {
        await #expect(processExitsWith: .success) {
            try checkNoLeaks {
                let generator = try Generator(seed: 1)
                let x = try generator.normal([4, 8]).trainable()
                let w = try generator.normal([8, 8]).trainable()
                let y = try x.linear(w).gelu().softmax(along: 1)
                let parts = try Tensor.concatenated([y, y.transposed(0, 1).reshaped(4, 8)])
                _ = try gradients(of: parts.squared().sum(), for: [x, w])
                _ = try? x.matmul(x)
                _ = try? gradients(of: x, for: [w])
                let keys = try Tensor([Int64(0), 1, 2, 3])
                _ = try gradients(of: x.dropout(0.5, seed: 1, keys: keys).sum(), for: [x])
                let attention = RaggedAttention(
                    queryOffsets: [0, 1, 4],
                    keyOffsets: [0, 1, 4],
                    rowKeys: [0, 1],
                    heads: 2,
                    keyHeads: 2,
                    scale: 1
                )
                let mixed = try attention(query: x, key: x, value: x, prefix: (w, w))
                _ = try gradients(of: mixed.squared().sum(), for: [x, w])
                let buffer = try ParameterBuffer([("a", generator.normal([8]))])
                var optimizer = try AdamW(for: buffer, settings: AdamW.Settings())
                try optimizer.step(buffer, gradients: Tensor(zeros: [8]), learningRate: 1)
            }
        }
    }
}

@Suite("Random numbers")
struct GeneratorTests {
    @Test
    func `equal seeds give equal numbers, others do not`() throws {
        func draw(_ seed: UInt64) throws -> [Float] {
            let generator = try Generator(seed: seed)
            return try generator.normal([50]).values()
                + generator.uniform([50], in: -1..<1).values()
        }
        #expect(try draw(7) == draw(7))
        #expect(try draw(7) != draw(8))
    }

    @Test
    func `numbers have the moments that were asked for`() throws {
        let generator = try Generator(seed: 3)
        let normal: [Double] = try generator.normal([40000], mean: 2, deviation: 0.5).values()
        let mean = normal.reduce(0, +) / 40000
        let variance = normal.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 40000
        #expect(abs(mean - 2) < 0.01)
        #expect(abs(variance.squareRoot() - 0.5) < 0.01)
        let uniform: [Double] = try generator.uniform([40000], in: -1..<3).values()
        #expect(abs(uniform.reduce(0, +) / 40000 - 1) < 0.03)
        #expect(uniform.allSatisfy { (-1..<3).contains($0) })
    }

    @Test
    func `more memory than there is is an error, and the next request is served`() throws {
        let error = #expect(throws: TorchError.self) { try Tensor(zeros: [1 << 46]) }
        #expect(error?.kind == .outOfMemory)
        #expect(try Tensor(zeros: [1 << 20]).sum().item() == 0)
    }

    /// Sizes on both sides of those that malloc serves, freed in another order than made.
    @Test
    func `threads that share the memory never share a block`() throws {
        let wrong = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            var kept: [(tensor: Tensor, value: Float)] = []
            for round in 0..<300 {
                let (count, value) = (
                    1 + (round * 7919 + thread * 104_729) % 60_000, Float(round * 4 + thread)
                )
                guard let tensor = try? Tensor(repeating: Double(value), shape: [count]) else {
                    continue
                }
                kept.append((tensor, value))
                if round % 50 == 49 { Torch.trimMemory() }
                guard kept.count > 8 else { continue }
                let (tensor:old, value:expected) = kept.remove(at: round * 31 % kept.count)
                let values: [Float] = (try? old.values()) ?? []
                if values.isEmpty || !values.allSatisfy({ $0 == expected }) {
                    wrong.withLock { $0 += 1 }
                }
            }
        }
        #expect(wrong.withLock(\.self) == 0)
    }
}

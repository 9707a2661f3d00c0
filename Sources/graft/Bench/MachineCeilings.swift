internal import GraftLayers
internal import GraftModels
internal import GraftTorch
internal import GraftTraining

/// What this machine can do at most, measured in rounds.
struct MachineCeilings {
    /// Matrix products of the model's sizes: operations per second, of one core and of all workers.
    private(set) var oneCore = Rounds()
    private(set) var allCores = Rounds()
    /// Bytes read per second from memory that no cache holds, likewise.
    private(set) var oneCoreMemory = Rounds()
    private(set) var allCoresMemory = Rounds()

    /// The rows of the matrices that the products are measured with; the faster number counts.
    let rowCounts: [Int]

    private let workers: Workers
    private let block: [Linear]
    private let operationsPerRow: Double
    private let inputs: [[Int: Tensor]]
    private let memory: Tensor

    /// What is read: more than any cache holds.
    static let memoryBytes = 256 << 20

    /// Prepares the products of a model's first block.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - workers: The threads that a training step uses.
    ///   - partTokens: The tokens that one of them gets at once.
    /// - Throws: `TorchError` if memory runs out.
    init(_ model: any Tower, workers: Workers, partTokens: Int) throws(TorchError) {
        self.workers = workers
        let sites = model.sites.linear
        let first = sites.first?.site.layer
        let projections = sites.filter { $0.site.layer == first }
        block = projections.map(\.linear)
        operationsPerRow = projections.reduce(0) { $0 + 2 * Double($1.inputSize * $1.outputSize) }
        rowCounts = Set([min(partTokens, Workers.partLength), Workers.partLength]).sorted()
        var inputs: [[Int: Tensor]] = []
        for rows in rowCounts {
            var byWidth: [Int: Tensor] = [:]
            for width in Set(projections.map(\.inputSize)) {
                byWidth[width] = try Tensor(repeating: 0.5, shape: [rows, width])
            }
            inputs.append(byWidth)
        }
        self.inputs = inputs
        memory = try Tensor(repeating: 1, shape: [MachineCeilings.memoryBytes / 4])
    }

    /// Measures each figure once more, for `seconds` each.
    mutating func measure(seconds: Double) throws {
        var (one, all) = (0.0, 0.0)
        for index in rowCounts.indices {
            let share = seconds / Double(rowCounts.count)
            one = max(one, try products(index, on: Workers(1), seconds: share))
            all = max(all, try products(index, on: workers, seconds: share))
        }
        oneCore.append(one)
        allCores.append(all)
        oneCoreMemory.append(try bytesRead(on: Workers(1), seconds: seconds))
        allCoresMemory.append(try bytesRead(on: workers, seconds: seconds))
    }

    /// Operations per second of a block's projections of some rows, each worker with a block of its own,
    /// as training shares its rows out.
    private func products(
        _ index: Int,
        on workers: Workers,
        seconds: Double
    ) throws -> Double {
        let operations = operationsPerRow * Double(rowCounts[index])
        return try rate(on: workers, seconds: seconds) { _ in
            for linear in block {
                guard let x = inputs[index][linear.weight.inputSize] else { continue }
                _ = try linear(x)
            }
            return operations
        }
    }

    /// Bytes read per second, each worker in a part of its own.
    private func bytesRead(on workers: Workers, seconds: Double) throws -> Double {
        let words = MachineCeilings.memoryBytes / 8
        return try rate(on: workers, seconds: seconds) { worker in
            let part = words * worker / workers.count..<words * (worker + 1) / workers.count
            _ = try memory.foldedWords(part)
            return Double(part.count * 8)
        }
    }

    /// What the workers do in a second, together.
    ///
    /// - Parameters:
    ///   - workers: How many work at once, each on one thread.
    ///   - seconds: How long each works at least.
    ///   - body: Does some work of a worker and says how much that was.
    /// - Returns: The sum of what each did in a second.
    /// - Throws: What `body` throws.
    private func rate(
        on workers: Workers,
        seconds: Double,
        _ body: @Sendable (Int) throws -> Double
    ) throws -> Double {
        let threads = Torch.threads
        Torch.threads = 1
        defer { Torch.threads = threads }
        return try withoutGradients { () throws in
            try workers.map(workers.count) { worker in
                try withoutGradients { () throws in
                    _ = try body(worker)
                    let start = ContinuousClock.now
                    var (done, spent) = (0.0, 0.0)
                    while spent < seconds || done == 0 {
                        done += try body(worker)
                        spent = (ContinuousClock.now - start) / .seconds(1)
                    }
                    return done / spent
                }
            }.reduce(0, +)
        }
    }
}

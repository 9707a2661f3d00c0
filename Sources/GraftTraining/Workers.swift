internal import Dispatch
internal import GraftTorch
internal import Synchronization

/// Threads that each compute a part of a batch with single-threaded operations.
///
/// The frozen weights are shared and read-only, so a core that takes rows from start to end scales
/// better than all cores inside one small matrix product. Only where there are fewer parts than
/// cores, because a batch has few rows or tokens, does each part's operations share the others.
public struct Workers: Sendable {
    /// How many parts run at once.
    public let count: Int

    /// Uses `count` threads; by default all cores.
    public init(_ count: Int? = nil) {
        self.count = max(1, count ?? Workers.cores)
    }

    /// The tokens of a part of a batch: enough for the matrix products to run at full speed, few
    /// enough for a part's activations to stay near the core that computes them.
    public static let partLength = 512

    /// The tokens below which a part is not worth a worker of its own.
    static let leastLength = 16

    /// The cores that this process may use.
    public static let cores = Torch.threads

    /// Computes `body` for `0 ..< parts` in any order and returns the results by part.
    ///
    /// Parts run side by side, and the threads are shared out evenly among them. Once one has failed
    /// no other begins.
    ///
    /// - Throws: The error of the first part that failed.
    package func map<Result: Sendable>(
        _ parts: Int,
        _ body: @Sendable (Int) throws -> Result
    ) throws -> [Result] {
        // The math library's thread count may be shared by the process: it must not change while a
        // part runs.
        let threads = Torch.threads
        defer { Torch.threads = threads }
        let side = max(1, min(count, parts))
        let share = count / side
        Torch.threads = share
        guard side > 1 else { return try (0..<parts).map(body) }
        let results = Mutex<[Int: Swift.Result<Result, any Error>]>([:])
        let next = Atomic(0)
        let hasFailed = Atomic(false)
        DispatchQueue.concurrentPerform(iterations: side) { _ in
            Torch.threads = share
            while !hasFailed.load(ordering: .relaxed) {
                let part = next.add(1, ordering: .relaxed).oldValue
                guard part < parts else { return }
                let result = Swift.Result { try body(part) }
                if case .failure = result { hasFailed.store(true, ordering: .relaxed) }
                results.withLock { $0[part] = result }
            }
        }
        return try results.withLock { results in
            try (0..<parts).compactMap { try results[$0]?.get() }
        }
    }

    /// How many parts some rows need.
    ///
    /// - Parameters:
    ///   - tokens: The tokens of all rows.
    ///   - partLength: The tokens of a part.
    /// - Returns: As many for each worker.
    func partCount(_ tokens: Int, partLength: Int) -> Int {
        let turn = min(max(1, partLength), max(1, tokens)) * count
        return count * max(1, (tokens + turn - 1) / turn)
    }

    /// Splits rows into parts of about equal token counts, the same way every time.
    ///
    /// - Parameters:
    ///   - rows: The rows.
    ///   - partLength: The tokens of a part that should not be exceeded; `nil` for any number.
    ///   - length: The tokens of a row.
    /// - Returns: Parts of which none is empty, as many for each worker as the tokens need.
    func shards(_ rows: [Int], partLength: Int?, length: (Int) -> Int) -> [[Int]] {
        guard !rows.isEmpty else { return [] }
        let tokens = rows.reduce(0) { $0 + length($1) }
        let parts = min(
            rows.count,
            max(1, tokens / Workers.leastLength),
            partLength.map { partCount(tokens, partLength: $0) } ?? count
        )
        var shards = [[Int]](repeating: [], count: parts)
        var loads = [Int](repeating: 0, count: parts)
        for row in rows.sorted(by: { (length($1), $0) < (length($0), $1) }) {
            let lightest = loads.indices.min { loads[$0] < loads[$1] } ?? 0
            shards[lightest].append(row)
            loads[lightest] += length(row)
        }
        return shards
    }
}

internal import GraftLayers

/// Which rows each step of a run sees: a pure function of the seed, of which nothing is stored.
struct TrainingPlan: Sendable {
    let rows: Int
    let options: TrainingOptions

    /// Batches of one epoch.
    var batchesPerEpoch: Int { (rows + options.batchSize - 1) / options.batchSize }

    /// Optimizer steps of one epoch.
    var stepsPerEpoch: Int {
        (batchesPerEpoch + options.accumulation - 1) / options.accumulation
    }

    /// Optimizer steps of the run.
    var steps: Int { stepsPerEpoch * options.epochs }

    /// Steps over which the learning rate rises; a rise begins at 0, which must not be all that there is.
    var warmupSteps: Int {
        steps > 1 ? Int((Double(steps) * options.warmup).rounded(.up)) : 0
    }

    /// The learning rate of a step, counted from 0.
    func learningRate(_ step: Int) -> Double {
        options.learningRate
            * options.schedule.factor(step: step, warmup: warmupSteps, total: steps)
    }

    /// The rows of an epoch in the order in which they are seen.
    func order(epoch: Int) -> [Int] {
        var order = Array(0..<rows)
        var generator = SplitMix64(state: StableHash.mix(options.seed, UInt64(epoch) &+ 1))
        order.shuffle(using: &generator)
        return order
    }

    /// The batches of one step of an epoch, given its order.
    func batches(step: Int, of order: [Int]) -> [[Int]] {
        let first = step * options.accumulation
        let last = min(first + options.accumulation, batchesPerEpoch)
        return (first..<last).map { batch in
            let start = batch * options.batchSize
            return Array(order[start..<min(start + options.batchSize, rows)])
        }
    }

    /// What dropout and drawn views depend on in a step, counted from 0 over the run.
    func stepSeed(_ step: Int) -> UInt64 {
        StableHash.mix(options.seed ^ 0x6472_6f70_6f75_7421, UInt64(step))
    }
}

/// Steele, Lea and Flood's generator: small, fast and the same everywhere.
package struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    /// Equal states give equal numbers.
    package init(state: UInt64) { self.state = state }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return StableHash.mix(state, 0)
    }
}

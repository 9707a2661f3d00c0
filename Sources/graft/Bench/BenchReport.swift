internal import GraftData
internal import GraftTorch
internal import GraftTraining

/// What `graft bench` found, each speed beside what it is compared with.
struct BenchReport {
    let command: Bench
    let source: BenchRows
    let maxLength: Int
    let ceilings: MachineCeilings
    let workload: Workload
    let others: OtherLoad.Finding

    /// A pass with the time that its products alone would take.
    struct Comparison {
        let name: String
        let pass: Workload.Pass
        /// Operations per second of all workers, in each round.
        let ceiling: Rounds

        /// Rows and tokens per second.
        var rows: Rounds { pass.seconds.map { Double(pass.rows.count) / $0 } }
        var tokens: Rounds { pass.seconds.map { Double(pass.rows.tokenCount) / $0 } }
        /// Seconds that the products alone would take.
        var floor: Rounds { ceiling.map { Double(pass.operations) / $0 } }
        /// Rows per second if there were nothing but the products.
        var ceilingRows: Rounds { floor.map { Double(pass.rows.count) / $0 } }
        /// The share of the time that the products alone would take; of the same round, so that what
        /// else the machine does weighs on both.
        var share: Rounds { floor.divided(by: pass.seconds) }
    }

    /// The passes, in the order in which they are shown.
    var comparisons: [Comparison] {
        [
            Comparison(name: "training", pass: workload.training, ceiling: ceilings.allCores),
            Comparison(name: "evaluation", pass: workload.evaluation, ceiling: ceilings.allCores),
            Comparison(name: "encoding", pass: workload.encoding, ceiling: ceilings.allCores),
        ]
    }

    /// Seconds to read the weights once.
    var loadFloor: Rounds { ceilings.allCoresMemory.map { Double(workload.weightBytes) / $0 } }

    /// What the tokenizer yields in the time in which training takes one token.
    var tokenizerSupply: Rounds {
        workload.oneCoreTokens.divided(by: comparisons[0].tokens)
    }
}

extension Rounds {
    /// The figure that belongs to each round's.
    func map(_ transform: (Double) -> Double) -> Rounds {
        var result = Rounds()
        for value in values { result.append(transform(value)) }
        return result
    }

    /// Each round's figure by another of the same round.
    func divided(by other: Rounds) -> Rounds {
        var result = Rounds()
        for (value, divisor) in zip(values, other.values) { result.append(value / divisor) }
        return result
    }
}

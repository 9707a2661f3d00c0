internal import Foundation
internal import GraftLayers
internal import GraftTorch

/// How AdaLoRA takes ranks away between steps.
///
/// A rank is scored by what its row of `A`, its column of `B` and its factor mean to the loss: the smoothed
/// sensitivities `|θ ∂L/∂θ|` of the elements times how uncertain these are, in the mean over a row or a
/// column, summed. The budget falls from all ranks to the target along a cube, and what scores least, over all
/// projections, gets a factor of 0; it may grow back until the last phase.
///
/// Reference: Zhang et al., [AdaLoRA](https://arxiv.org/abs/2303.10512), algorithm 1; step by step as
/// `RankAllocator` and `AdaLoraModel.update_and_allocate` of `peft` 0.21.2, which fail where the budget takes
/// nothing away.
struct RankAllocation: StepRule {
    /// The parameters of one projection.
    private struct Triplet {
        let a: Range<Int>
        let b: Range<Int>
        let factors: Range<Int>

        var rank: Int { factors.count }
    }

    private let method: AdaLoRA
    private let triplets: [Triplet]
    /// The step after which ranks are final.
    private let lastAllocation: Int
    private var sensitivity: [Float]
    private var uncertainty: [Float]
    /// Whether each rank is left, once that is final.
    private var kept: [Bool] = []

    /// The rule for a run; `nil` if none of the parameters are AdaLoRA's.
    ///
    /// - Throws: `ConfigurationError` if the run has no step in which ranks could be taken away.
    init?(_ method: AdaLoRA, _ parameters: [ParameterBuffer.Slice], steps: Int) throws {
        let ranges = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.range) })
        triplets = parameters.compactMap { slice in
            guard slice.name.hasSuffix(".lora_E") else { return nil }
            let front = slice.name.dropLast("lora_E".count)
            guard let a = ranges[front + "lora_A"], let b = ranges[front + "lora_B"] else {
                return nil
            }
            return Triplet(a: a, b: b, factors: slice.range)
        }
        guard let end = triplets.flatMap({ [$0.a, $0.b, $0.factors] }).map(\.upperBound).max()
        else { return nil }
        self.method = method
        lastAllocation = steps - method.lastSteps
        // A step before the last allocation is what ranks are scored by.
        guard max(method.firstSteps, 1) < lastAllocation else {
            throw ConfigurationError(
                field: "tinit",
                problem: "the run has \(steps) steps, of which tinit (\(method.firstSteps)) and"
                    + " tfinal (\(method.lastSteps)) leave none to score and take ranks away in"
            )
        }
        sensitivity = [Float](repeating: 0, count: end)
        uncertainty = sensitivity
    }

    var state: [String: Tensor] {
        get throws {
            [
                "sensitivity": try Tensor(sensitivity), "uncertainty": try Tensor(uncertainty),
                "kept": try Tensor(kept.map { $0 ? 1 : 0 } as [Float]),
            ]
        }
    }

    mutating func restore(_ state: [String: Tensor]) throws {
        func stored(_ name: String, counts: Set<Int>) throws -> [Float] {
            guard let tensor = state[name], counts.contains(tensor.count) else {
                throw ParameterError(
                    name: name,
                    problem: "the checkpoint does not say how AdaLoRA shared ranks out"
                )
            }
            return try tensor.values()
        }
        let ranks = triplets.reduce(0) { $0 + $1.rank }
        sensitivity = try stored("sensitivity", counts: [sensitivity.count])
        uncertainty = try stored("uncertainty", counts: [uncertainty.count])
        kept = try stored("kept", counts: [0, ranks]).map { $0 > 0 }
    }

    mutating func act(
        after step: Int,
        values: Tensor,
        gradient: Tensor
    ) throws(TorchError) -> Tensor? {
        var elements: [Float] = try values.values()
        if step < lastAllocation {
            try observe(elements, gradient.values())
            guard step > method.firstSteps, step % method.interval == 0 else { return nil }
            guard let kept = allocation(step) else { return nil }
            mask(&elements, kept)
        } else {
            if step == lastAllocation {
                let ranks = triplets.reduce(0) { $0 + $1.rank }
                kept = allocation(lastAllocation) ?? [Bool](repeating: true, count: ranks)
            }
            mask(&elements, kept)
        }
        return try Tensor(elements).moved(to: values.device)
    }

    /// Follows how sensitive the loss is to each element, and how uncertain that is.
    private mutating func observe(_ values: [Float], _ gradient: [Float]) {
        let (beta1, beta2) = (Float(method.sensitivityDecay), Float(method.uncertaintyDecay))
        let (rest1, rest2) = (
            Float(1 - method.sensitivityDecay), Float(1 - method.uncertaintyDecay)
        )
        for triplet in triplets {
            for range in [triplet.a, triplet.b, triplet.factors] {
                for index in range {
                    let now = (values[index] * gradient[index]).magnitude
                    sensitivity[index] = beta1 * sensitivity[index] + rest1 * now
                    uncertainty[index] =
                        beta2 * uncertainty[index] + rest2 * (now - sensitivity[index]).magnitude
                }
            }
        }
    }

    /// Which ranks a step leaves, projection by projection; `nil` for all.
    private func allocation(_ step: Int) -> [Bool]? {
        let scores = triplets.flatMap(self.scores)
        let target = method.targetRank * triplets.count
        let progress =
            Double(step - method.firstSteps) / Double(lastAllocation - method.firstSteps)
        let left = pow(1 - progress, 3)
        let budget = Int(Double(scores.count - target) * left + Double(target))
        guard budget < scores.count else { return nil }
        let threshold = scores.sorted()[scores.count - budget - 1]
        return scores.map { $0 > threshold }
    }

    /// What each rank of a projection means to the loss.
    private func scores(_ triplet: Triplet) -> [Float] {
        func score(_ index: Int) -> Float { sensitivity[index] * uncertainty[index] }
        let rank = triplet.rank
        let (input, output) = (triplet.a.count / rank, triplet.b.count / rank)
        return (0..<rank).map { number in
            let rows = (0..<input).reduce(Float(0)) {
                $0 + score(triplet.a.lowerBound + number * input + $1)
            }
            let columns = (0..<output).reduce(Float(0)) {
                $0 + score(triplet.b.lowerBound + $1 * rank + number)
            }
            return score(triplet.factors.lowerBound + number)
                + (rows / Float(input) + columns / Float(output))
        }
    }

    private func mask(_ values: inout [Float], _ kept: [Bool]) {
        for (index, isKept) in zip(triplets.flatMap(\.factors), kept) where !isKept {
            values[index] = 0
        }
    }
}

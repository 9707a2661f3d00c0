public import GraftTorch

/// What a method does to its parameters between the steps of training.
///
/// A rule is made for a run, acts on the flat values and gradients of all that is trained
/// (`ParameterBuffer`), and remembers what it needs in tensors that checkpoints keep.
public protocol StepRule: Sendable {
    /// What a run that goes on needs to know, by name.
    var state: [String: Tensor] { get throws }

    /// Goes on from a ``state``.
    ///
    /// - Throws: `ParameterError` naming what is missing or has another size.
    mutating func restore(_ state: [String: Tensor]) throws

    /// Acts behind the optimizer's step.
    ///
    /// - Parameters:
    ///   - step: Steps done over the run, this one included.
    ///   - values: The parameters as the step left them: float32 [count]
    ///   - gradient: What they moved against, clipped: float32 [count]
    /// - Returns: The values to go on with, or `nil` if these stay.
    /// - Throws: `TorchError` if memory runs out.
    mutating func act(
        after step: Int,
        values: Tensor,
        gradient: Tensor
    ) throws(TorchError) -> Tensor?
}

/// The rules of several methods that act together, by their numbers.
struct MemberRules: StepRule {
    private var rules: [(number: Int, rule: any StepRule)] = []

    /// The rules of methods whose parameters have their number in the name; `nil` if none has one.
    init?(
        _ members: [any AdapterMethod],
        _ parameters: [ParameterBuffer.Slice],
        steps: Int
    ) throws {
        for (number, member) in members.enumerated() {
            let own = parameters.compactMap { slice -> ParameterBuffer.Slice? in
                guard let found = MemberParameters.member(of: slice.name), found.number == number
                else { return nil }
                return .init(name: found.name, shape: slice.shape, range: slice.range)
            }
            guard let rule = try member.stepRule(for: own, steps: steps) else { continue }
            rules.append((number, rule))
        }
        guard !rules.isEmpty else { return nil }
    }

    var state: [String: Tensor] {
        get throws {
            var state: [String: Tensor] = [:]
            for (number, rule) in rules {
                for (name, value) in try rule.state { state["\(number).\(name)"] = value }
            }
            return state
        }
    }

    mutating func restore(_ state: [String: Tensor]) throws {
        for index in rules.indices {
            let front = "\(rules[index].number)."
            let own = state.filter { $0.key.hasPrefix(front) }
                .map { (String($0.key.dropFirst(front.count)), $0.value) }
            try rules[index].rule.restore(Dictionary(uniqueKeysWithValues: own))
        }
    }

    mutating func act(
        after step: Int,
        values: Tensor,
        gradient: Tensor
    ) throws(TorchError) -> Tensor? {
        var changed: Tensor?
        for index in rules.indices {
            let own = try rules[index].rule.act(
                after: step,
                values: changed ?? values,
                gradient: gradient
            )
            changed = own ?? changed
        }
        return changed
    }
}

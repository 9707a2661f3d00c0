internal import Foundation

/// How the learning rate moves over a run.
///
/// Reference: `transformers.optimization`, `get_<name>_schedule_with_warmup`.
public enum Schedule: String, Sendable, Hashable, Codable, CaseIterable {
    /// Down to zero in a straight line.
    case linear
    /// Down to zero along half a cosine.
    case cosine
    case constant

    /// The factor on the learning rate of the step number `step`, counted from 0.
    ///
    /// - Parameters:
    ///   - step: The step, from 0.
    ///   - warmup: Steps over which the rate rises from zero.
    ///   - total: All steps of the run.
    /// - Returns: A number from 0 to 1.
    public func factor(step: Int, warmup: Int, total: Int) -> Double {
        if step < warmup { return Double(step) / Double(max(1, warmup)) }
        let progress = Double(step - warmup) / Double(max(1, total - warmup))
        return switch self {
        case .linear: max(0, Double(total - step) / Double(max(1, total - warmup)))
        case .cosine: max(0, 0.5 * (1 + cos(.pi * progress)))
        case .constant: 1
        }
    }
}

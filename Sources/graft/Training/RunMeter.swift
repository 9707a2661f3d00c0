internal import Foundation
internal import GraftTorch

/// What measures one of the runs of a process.
struct RunMeter {
    /// When the run began.
    let started: Date
    /// Whether the process's peak memory is that of this run, and not of the runs before it too.
    let hasOwnPeak: Bool

    /// Measures from the start of the process.
    static var process: RunMeter {
        let age = ProcessFacts.age ?? 0
        return RunMeter(started: Date(timeIntervalSinceNow: -age), hasOwnPeak: true)
    }

    /// Measures from now on; what earlier runs gave back is not counted.
    static func fresh() -> RunMeter {
        Torch.trimMemory()
        return RunMeter(started: Date(), hasOwnPeak: ProcessFacts.resetPeakMemory())
    }

    /// Seconds since the run began.
    var seconds: Double { Date().timeIntervalSince(started) }
}

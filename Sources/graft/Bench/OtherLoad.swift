internal import Foundation
internal import GraftTraining

/// What else keeps the machine busy while something is measured.
struct OtherLoad {
    /// Runnable threads in the minute before the measurement, on average; `nil` where the system does
    /// not tell.
    private let loadAverage: Double?
    private let start: Counters?

    /// Seconds of processor time since some moment.
    private struct Counters {
        /// Of all cores, idle or not.
        let all: Double
        /// Of all processes, and what a host took from a virtual machine.
        let busy: Double
        /// Of this process.
        let own: Double
    }

    /// Starts to watch.
    init() {
        let text = try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8)
        loadAverage = text?.split(separator: " ").first.flatMap { Double($0) }
        start = OtherLoad.counters()
    }

    /// What else ran until now.
    func finding() -> Finding { Finding(loadAverage: loadAverage, share: share()) }

    /// What else ran during a measurement.
    struct Finding {
        /// Runnable threads before, on average; `nil` where the system does not tell.
        let loadAverage: Double?
        /// The share of the processor time that others used; `nil` where the system does not tell.
        let share: Double?

        /// Whether others used so little that the figures are this program's own.
        var isQuiet: Bool { (share ?? 0) < 0.03 }

        /// In a line.
        var text: String {
            let load = loadAverage.map { "load average \(Figures.measure($0)) before the run" }
            let share = share.map { "others used \(Figures.percent($0)) of the cores meanwhile" }
            let facts = [load, share].compactMap(\.self).joined(separator: ", ")
            if facts.isEmpty { return "this system does not tell what else ran" }
            return isQuiet ? "quiet (\(facts))" : "NOT quiet: \(facts); the figures are too low"
        }
    }

    /// The share of the machine's processor time that others have used since the start; `nil` where the
    /// system does not tell.
    private func share() -> Double? {
        guard let start, let now = OtherLoad.counters(), now.all > start.all else { return nil }
        let others = (now.busy - start.busy) - (now.own - start.own)
        return max(0, others / (now.all - start.all))
    }

    private static func counters() -> Counters? {
        // proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal in clock ticks.
        guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8) else {
            return nil
        }
        let fields = text.prefix { !$0.isNewline }.split(separator: " ").dropFirst().prefix(8)
        let ticks = fields.compactMap { Double($0) }
        guard ticks.count == 8 else { return nil }
        var usage = rusage()
        guard unsafe getrusage(Int32(RUSAGE_SELF.rawValue), &usage) == 0 else { return nil }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        let rate = Double(sysconf(Int32(_SC_CLK_TCK)))
        let all = ticks.reduce(0, +) / rate
        return Counters(
            all: all,
            busy: all - (ticks[3] + ticks[4]) / rate,
            own: seconds(usage.ru_utime) + seconds(usage.ru_stime)
        )
    }
}

internal import Foundation

/// What the system knows about this process.
enum ProcessFacts {
    /// Seconds since the process started, its loading by the system included; `nil` where the system does not tell.
    static var age: Double? {
        // Field 22 of proc_pid_stat(5): the start in clock ticks after boot. The name in field 2 may hold spaces.
        guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
            let name = stat.lastIndex(of: ")")
        else { return nil }
        let fields = stat[stat.index(after: name)...].split(separator: " ")
        guard fields.count > 19, let ticks = Double(fields[19]) else { return nil }
        var now = timespec()
        guard unsafe clock_gettime(CLOCK_BOOTTIME, &now) == 0 else { return nil }
        let uptime = Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
        return uptime - ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The largest resident memory since the process started or ``resetPeakMemory()`` was called, in bytes.
    ///
    /// The system's other figure, `ru_maxrss`, also counts what the parent held when it started this process.
    static var peakMemory: Int {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first,
            let count = Int(kilobytes)
        else { return 0 }
        return count * 1024
    }

    /// Lets ``peakMemory`` start anew from what is resident now.
    ///
    /// - Returns: Whether the system did (proc_pid_clear_refs(5)); if not, the figure is that of the whole process.
    static func resetPeakMemory() -> Bool {
        guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return false }
        defer { try? file.close() }
        return (try? file.write(contentsOf: Data("5".utf8))) != nil
    }

    /// The compiler that built this program.
    static var swiftVersion: String {
        #if compiler(>=6.4)
            "6.4 or newer"
        #elseif compiler(>=6.3)
            "6.3"
        #else
            "6.2"
        #endif
    }
}

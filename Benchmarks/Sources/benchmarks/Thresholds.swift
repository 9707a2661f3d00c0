internal import Foundation

/// How many instructions a benchmark may take: `Thresholds/<name>.json`.
struct Threshold: Codable {
    /// Instructions when the threshold was set.
    let instructions: Int
    /// The share by which a count may differ.
    let tolerance: Double

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Thresholds").standardizedFileURL

    /// A fault of the files that are compared, in a line.
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    /// Compares counts with the thresholds and prints a line for each.
    ///
    /// - Parameters:
    ///   - path: What callgrind wrote while all benchmarks ran.
    ///   - updates: Whether to set the thresholds instead.
    /// - Returns: Whether no count is above its threshold.
    /// - Throws: ``Problem`` if a file is not as it should be.
    static func compare(_ path: String, updates: Bool) throws -> Bool {
        var isPassed = true
        for (name, count) in try counts(path) {
            if updates {
                try Threshold(instructions: count, tolerance: 0.03).write(name)
                print("\(name): set to \(count) instructions")
                continue
            }
            let threshold = try read(name)
            let change = Double(count) / Double(threshold.instructions) - 1
            let isAbove = change > threshold.tolerance
            let isBelow = change < -threshold.tolerance
            let verdict =
                isAbove
                ? "TOO MANY" : isBelow ? "fewer: set the threshold anew with --update" : "ok"
            let percent = String(format: "%+.2f %%", 100 * change)
            print("\(name): \(count) instructions, \(percent): \(verdict)")
            if isAbove { isPassed = false }
        }
        return isPassed
    }

    /// The instructions of each benchmark.
    ///
    /// A part of the file ends at each mark: the first is the start of the process, then a preparation
    /// and a count take turns, and the last part is the end of the process.
    private static func counts(_ path: String) throws -> [(name: String, count: Int)] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw Problem(
                description: "\(path): cannot be read (hint: Benchmarks/run.sh writes it)"
            )
        }
        let parts = text.split(separator: "\n").compactMap { line -> Int? in
            guard line.hasPrefix("totals: ") else { return nil }
            return Int(line.dropFirst("totals: ".count))
        }
        guard parts.count == 2 * Benchmark.all.count + 1 else {
            let wanted = 2 * Benchmark.all.count + 1
            throw Problem(description: "\(path): expected \(wanted) parts, found \(parts.count)")
        }
        return Benchmark.all.enumerated().map { ($1.name, parts[2 * $0 + 1]) }
    }

    private static func read(_ name: String) throws -> Threshold {
        let file = folder.appending(path: name + ".json")
        do {
            return try JSONDecoder().decode(Threshold.self, from: Data(contentsOf: file))
        } catch {
            throw Problem(
                description: "\(file.path): no threshold here (hint: --update sets it)"
            )
        }
    }

    private func write(_ name: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let file = Threshold.folder.appending(path: name + ".json")
        try (encoder.encode(self) + Data("\n".utf8)).write(to: file)
    }
}

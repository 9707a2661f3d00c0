internal import CMark
internal import Foundation
internal import GraftTorch

/// `benchmarks measure` runs everything for callgrind to count; `benchmarks compare FILE [--update]`
/// reads what it wrote.
@main
enum Main {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let updates = arguments.last == "--update"
        do {
            switch (arguments.first, arguments.count) {
            case ("measure", 1): try measure()
            case ("compare", 2),
                ("compare", 3) where updates:
                guard try Threshold.compare(arguments[1], updates: updates) else { exit(1) }
            default:
                fail("usage: benchmarks measure | benchmarks compare FILE [--update]", status: 64)
            }
        } catch {
            fail("benchmarks: \(error)", status: 1)
        }
    }

    private static func fail(_ message: String, status: Int32) -> Never {
        FileHandle.standardError.write(Data((message + "\n").utf8))
        exit(status)
    }

    private static func measure() throws {
        // Threads that wait for work execute instructions, now more and now fewer.
        Torch.threads = 1
        for benchmark in Benchmark.all {
            let body = try benchmark.prepare()
            // What is done on a first call only is not counted.
            try body()
            graft_benchmark_mark()
            try body()
            graft_benchmark_mark()
        }
    }
}

/// Lets a text through as it grows, up to where a stop string begins.
///
/// What may be the beginning of a stop string is kept back until it is known not to be.
struct StopFilter: Sendable {
    private let stops: [[UInt8]]
    private var pending: [UInt8] = []
    /// Whether a stop string has come.
    private(set) var isStopped = false

    /// Stops at the first of some texts, of which none is empty.
    init(_ stops: [String]) { self.stops = stops.map { Array($0.utf8) } }

    /// Takes what comes next, and returns what may be given out.
    mutating func append(_ text: String) -> String {
        guard !isStopped else { return "" }
        pending += Array(text.utf8)
        for start in pending.indices where stops.contains(where: pending[start...].starts) {
            isStopped = true
            return take(start)
        }
        let kept = pending.indices.first { start in
            stops.contains { $0.starts(with: pending[start...]) }
        }
        return take(kept ?? pending.endIndex)
    }

    /// Returns what was kept back, when nothing more comes.
    mutating func finish() -> String { isStopped ? "" : take(pending.endIndex) }

    private mutating func take(_ end: Int) -> String {
        defer { pending.removeFirst(end) }
        return String(decoding: pending[..<end], as: UTF8.self)
    }
}

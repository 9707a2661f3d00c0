internal import GraftText

/// How often each of some things occurs, and how many two texts share.
struct NGramCounts<Element: Hashable> {
    private(set) var counts: [Element: Int] = [:]

    /// Counts elements.
    init(_ elements: some Sequence<Element>) {
        for element in elements { counts[element, default: 0] += 1 }
    }

    /// How many there are in all.
    var total: Int { counts.values.reduce(0, +) }

    /// How many of these the other has too, each counted as often as in the one that has it less often.
    func shared(with other: NGramCounts) -> Int {
        counts.reduce(0) { sum, entry in sum + min(entry.value, other.counts[entry.key] ?? 0) }
    }

    /// Takes the greater count of each element.
    mutating func formUnion(_ other: NGramCounts) {
        counts.merge(other.counts) { max($0, $1) }
    }
}

extension Array {
    /// The runs of `count` neighbours.
    func nGrams(_ count: Int) -> [ArraySlice<Element>] {
        self.count < count ? [] : (0...self.count - count).map { self[$0..<$0 + count] }
    }
}

extension String {
    /// What stands between white space, in UTF-8.
    var wordsInUTF8: [[UInt8]] {
        unicodeScalars.split(whereSeparator: \.isPythonSpace).map { Array(String($0).utf8) }
    }
}

extension Collection<String> {
    /// Returns the name that somebody who wrote `name` most likely meant, or `nil` if none is
    /// close.
    ///
    /// Close means that at most a third of its characters, and at least one, were left out, added,
    /// exchanged or swapped with a neighbour (the optimal string alignment distance). Case and the
    /// difference between `-` and `_` count for nothing. Of equally close names the first in
    /// alphabetical order wins.
    package func nearest(to name: String) -> String? {
        let wanted = folded(name)
        let limit = Swift.max(1, wanted.count / 3)
        let ranked = map { (edits: edits(folded($0), wanted), name: $0) }
        return ranked.filter { $0.edits <= limit }.min { $0 < $1 }?.name
    }
}

private func folded(_ name: String) -> [Character] {
    name.lowercased().map { $0 == "-" ? "_" : $0 }
}

/// Returns the number of edits between two names, where a swap of neighbours is one edit.
private func edits(_ a: [Character], _ b: [Character]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            var fewest = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                fewest = min(fewest, beforeLast[j - 1] + 1)
            }
            row.append(fewest)
        }
        (beforeLast, last) = (last, row)
    }
    return last[b.count]
}

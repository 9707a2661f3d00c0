/// The tokens that a language model is to write, row by row.
public struct TokenTargets: Sendable {
    /// For each token that the model reads the one that is wanted behind it; -100 where none is.
    public private(set) var wanted: [Int32] = []
    /// The bytes of text that the wanted tokens of each row stand for.
    public private(set) var byteCounts: [Int] = []
    /// Where each row begins in ``wanted``, and where the last one ends.
    private var offsets: [Int] = [0]

    /// No rows.
    init() {}

    /// Adds a row.
    ///
    /// - Parameters:
    ///   - ids: All of its tokens.
    ///   - isWanted: Which of them are to be written; nothing precedes the first, which therefore never is.
    ///   - byteCount: The bytes of text that these stand for.
    mutating func append(_ ids: [Int32], isWanted: [Bool], byteCount: Int) {
        for next in ids.indices.dropFirst() { wanted.append(isWanted[next] ? ids[next] : -100) }
        if !ids.isEmpty { wanted.append(-100) }
        offsets.append(wanted.count)
        byteCounts.append(byteCount)
    }

    /// Adds a row that is read beside what is wanted: a token behind each of those that the model reads.
    ///
    /// - Parameters:
    ///   - ids: What is wanted.
    ///   - byteCount: The bytes of text that it stands for.
    mutating func append(wanted ids: [Int32], byteCount: Int) {
        wanted += ids
        offsets.append(wanted.count)
        byteCounts.append(byteCount)
    }

    /// The number of tokens that are wanted in one row.
    public func count(_ row: Int) -> Int { next(row).count { $0 >= 0 } }

    /// Where in a batch of some rows a token is wanted next, and which.
    func next(in rows: some Sequence<Int>) -> (places: [Int64], ids: [Int64]) {
        var (places, ids): ([Int64], [Int64]) = ([], [])
        var start = 0
        for row in rows {
            for (index, id) in next(row).enumerated() where id >= 0 {
                places.append(Int64(start + index))
                ids.append(Int64(id))
            }
            start += next(row).count
        }
        return (places, ids)
    }

    /// The tokens that are wanted behind those of one row; -100 where none is.
    func next(_ row: Int) -> ArraySlice<Int32> { wanted[offsets[row]..<offsets[row + 1]] }
}

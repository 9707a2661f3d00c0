/// How well a query finds what belongs to it, as a caption its image.
public enum RetrievalMetrics {
    /// Returns the share of queries that have a right candidate among the `k` of highest score.
    ///
    /// Of candidates with equal scores the one that comes first is the better. A score that is not a number is below all
    /// others.
    ///
    /// - Parameters:
    ///   - k: How many candidates count, at least one.
    ///   - scores: For each query, the score of each candidate.
    ///   - relevant: For each query, the places of the right candidates.
    /// - Returns: From 0 to 1; not a number without queries.
    public static func recall(at k: Int, scores: [[Float]], relevant: [[Int]]) -> Double {
        precondition(k > 0, "one candidate at least must count")
        precondition(scores.count == relevant.count, "each query has its right candidates")
        var found = 0
        for (row, places) in zip(scores, relevant) {
            let isFound = places.contains { place in
                row.indices.contains(place) && rank(of: place, in: row) < k
            }
            if isFound { found += 1 }
        }
        return Double(found) / Double(scores.count)
    }

    /// How many candidates come before that at `place`.
    private static func rank(of place: Int, in row: [Float]) -> Int {
        let score = row[place].isNaN ? -Float.infinity : row[place]
        return row.indices.count { other in
            let value = row[other].isNaN ? -Float.infinity : row[other]
            return value > score || value == score && other < place
        }
    }
}

extension Dataset {
    /// The number of each row's class.
    ///
    /// - Parameter labels: The classes of the task.
    /// - Returns: One number per row; none if the schema's target is not a category.
    /// - Throws: ``DataError/badRows(path:problems:total:)``, with every row whose class is unknown.
    public func classes(_ labels: LabelMap) throws(DataError) -> [Int] {
        guard schema.target == .category else { return [] }
        return try numbers(of: store.codes.indices, labels) { $0 }
    }

    /// The numbers of each row's classes, or of its words' tags, in the order of the file.
    ///
    /// - Parameter labels: The classes of the task.
    /// - Returns: One list per row; none if the schema's target is neither categories nor tags.
    /// - Throws: ``DataError/badRows(path:problems:total:)``, with every row that has an unknown class.
    public func classLists(_ labels: LabelMap) throws(DataError) -> [[Int]] {
        guard schema.target == .categories || schema.target == .tags else { return [] }
        let rows = indices.map { store.codeBounds[$0] }
        let starts = rows.map(\.lowerBound)
        let flat = try numbers(of: store.codes.indices, labels) { position in
            // The last row that begins at or before the position; rows without labels begin there too.
            var (low, high) = (0, starts.count)
            while high - low > 1 {
                let middle = (low + high) / 2
                if starts[middle] <= position { low = middle } else { high = middle }
            }
            return low
        }
        return rows.map { Array(flat[$0]) }
    }

    /// Translates codes to class numbers; `row` tells to which row a code belongs, should it be unknown.
    private func numbers(
        of positions: Range<Int>,
        _ labels: LabelMap,
        row: (Int) -> Int
    ) throws(DataError) -> [Int] {
        let numbers = store.labels.map { labels.number(of: $0) }
        var problems = ProblemLog(path: path)
        var known: String?
        let result = positions.map { position in
            let code = Int(store.codes[position])
            if let number = numbers[code] { return number }
            let list = known ?? quotedList(labels.names, limit: 20)
            known = list
            problems.record(
                line: Int(store.lines[row(position)]),
                "the label '\(store.labels[code])' is unknown; known are \(list)"
            )
            return 0
        }
        try problems.throwIfAny()
        return result
    }
}

public import GraftData
public import GraftVision

/// Pictures with one text or more each, as pairs: a picture with three captions is three of them.
public struct ImageTextPairs: Sendable {
    /// The pictures.
    public let images: PreparedImages
    /// A row for each pair: the picture's name, and the text as second text.
    public let pairs: Dataset
    /// For each pair, the place of its picture; rows that name one file have one picture.
    let imageOfPair: [Int]

    /// Pairs pictures with their texts.
    ///
    /// - Parameter images: Pictures whose answers are texts (`RowSchema.Target.texts`).
    /// - Throws: `DataError` if they have none.
    public init(_ images: PreparedImages) throws(DataError) {
        var firstOfName: [String: Int] = [:]
        var (rows, imageOfPair): ([Row], [Int]) = ([], [])
        for (index, row) in images.rows.enumerated() {
            guard case .texts(let texts)? = row.target else {
                throw .unreadable(
                    path: images.rows.path,
                    reason: "its pictures have no texts (hint: rows with a column 'captions')"
                )
            }
            let image = firstOfName[row.text] ?? index
            firstOfName[row.text] = image
            for text in texts {
                rows.append(Row(id: row.id, line: row.line, text: row.text, pair: text))
                imageOfPair.append(image)
            }
        }
        let schema = RowSchema(.picture, target: nil, columns: images.rows.schema.columns)
        pairs = try Dataset(rows, path: images.rows.path, schema: schema)
        (self.images, self.imageOfPair) = (images, imageOfPair)
    }

    /// The pairs' texts.
    func texts() throws(DataError) -> Dataset {
        try Dataset(
            pairs.lazy.map { Row(id: $0.id, line: $0.line, text: $0.pair ?? "") },
            path: pairs.path,
            schema: RowSchema(.text, target: nil)
        )
    }
}

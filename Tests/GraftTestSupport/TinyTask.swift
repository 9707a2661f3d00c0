internal import Foundation
package import GraftData
package import GraftModels
package import GraftText
package import GraftTraining
internal import GraftVision

/// Two dozen rows of each kind that a small model learns by heart, in the words of ``TinyModel``.
package enum TinyTask: String, Sendable, CaseIterable {
    case classification, multiLabel, regression, tagging

    /// What the head predicts.
    package var kind: HeadKind {
        switch self {
        case .classification: .classification
        case .multiLabel: .multiLabel
        case .regression: .regression
        case .tagging: .tagging
        }
    }

    /// The classes; none for regression.
    package var labels: [String] {
        switch self {
        case .classification: ["negative", "positive"]
        case .multiLabel: ["praise", "strong", "music"]
        case .regression: []
        case .tagging: ["O", "B-LOC", "B-PER"]
        }
    }

    package var head: HeadConfiguration {
        HeadConfiguration(kind, outputCount: max(1, labels.count))
    }

    /// A head that reads of a row what suits the model.
    package func head(on model: ModelShape) -> HeadConfiguration {
        HeadConfiguration(
            kind,
            outputCount: max(1, labels.count),
            pooling: model.defaultPooling
        )
    }

    package var schema: RowSchema {
        switch self {
        case .classification: RowSchema(.text, target: .category)
        case .multiLabel: RowSchema(.text, target: .categories)
        case .regression: RowSchema(.text, target: .number)
        case .tagging: RowSchema(.words, target: .tags)
        }
    }

    /// The rows as JSON lines, of five to nine tokens.
    package var jsonLines: String {
        var lines: [String] = []
        for (index, subject) in ["film", "book", "song", "play"].enumerated() {
            for (number, word) in ["good", "bad", "great", "awful", "fine", "poor"].enumerated() {
                let isStrong = (index + number) % 3 == 0
                let isPraise = number % 2 == 0
                var text = ["the", subject + (index == 1 ? "s" : ""), "is"]
                text += isStrong ? ["very", word] : [word]
                lines.append(line(text, isPraise: isPraise, isStrong: isStrong, number: number))
            }
        }
        return lines.joined(separator: "\n")
    }

    /// The rows, read.
    package func dataset() throws -> Dataset {
        try Dataset(
            parsing: Array(jsonLines.utf8),
            named: rawValue + ".jsonl",
            schema: schema,
            format: .jsonLines
        )
    }

    /// The rows, encoded.
    package func rows(_ tokenizer: any Tokenizer) throws -> EncodedRows {
        try EncodedRows(
            dataset(),
            tokenizer: tokenizer,
            maxLength: 32,
            kind: kind,
            labels: labels.isEmpty ? nil : LabelMap(names: labels)
        )
    }

    /// The rows as a model reads them: for models of images two dozen pictures, dark ones of the first class and
    /// bright ones of the second.
    package func rows(_ base: BaseModel) throws -> EncodedRows {
        guard base.readsImages else { return try rows(base.tokenizer) }
        let folder = try TemporaryFolder()
        let (count, side) = (24, 12)
        let header: [UInt8] = [0, 0, 8, 3] + [count, side, side].flatMap { [0, 0, 0, UInt8($0)] }
        let classes = (0..<count).map { $0 * 7 % 5 % 2 }
        let pixels = (0..<count * side * side).map { index in
            UInt8(classes[index / (side * side)] * 120 + index * 37 % 90)
        }
        let url = URL(filePath: folder.path)
        let images = url.appending(path: "tiny-images-idx3-ubyte")
        try Data(header + pixels).write(to: images)
        try Data([0, 0, 8, 1, 0, 0, 0, UInt8(count)] + classes.map { UInt8($0) })
            .write(to: url.appending(path: "tiny-labels-idx1-ubyte"))
        let data = try ImageDataset(
            contentsOf: images.path(percentEncoded: false),
            schema: RowSchema(.picture, target: .category)
        )
        return try EncodedRows(
            base.prepared(data),
            encoder: base.imageTower,
            kind: kind,
            labels: LabelMap(names: labels)
        )
    }

    private func line(_ text: [String], isPraise: Bool, isStrong: Bool, number: Int) -> String {
        func quoted(_ names: [String]) -> String {
            "[" + names.map { "\"\($0)\"" }.joined(separator: ",") + "]"
        }
        let joined = "\"text\":\"\(text.joined(separator: " "))\""
        switch self {
        case .classification:
            return "{\(joined),\"label\":\"\(isPraise ? "positive" : "negative")\"}"
        case .multiLabel:
            let flags = [
                isPraise ? "praise" : nil, isStrong ? "strong" : nil,
                text.contains("song") ? "music" : nil,
            ]
            return "{\(joined),\"labels\":\(quoted(flags.compactMap(\.self)))}"
        case .regression:
            let value = (isPraise ? 1 : -1) * (isStrong ? 1.0 : 0.5)
            return "{\(joined),\"label\":\(value)}"
        case .tagging:
            let person = number % 2 == 0 ? "alice" : "bob"
            let place = number % 3 == 0 ? "paris" : "rome"
            let words = text + [person, "was", place]
            let tags = text.map { _ in "O" } + ["B-PER", "O", "B-LOC"]
            return "{\"tokens\":\(quoted(words)),\"tags\":\(quoted(tags))}"
        }
    }
}

import GraftData
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

@Suite("Encoded rows")
struct EncodedRowsTests {
    private func rows(
        _ lines: String,
        _ task: TinyTask,
        maxLength: Int = 32
    ) throws -> EncodedRows {
        let data = try Dataset(
            parsing: Array(lines.utf8),
            named: "rows.jsonl",
            schema: task.schema,
            format: .jsonLines
        )
        return try EncodedRows(
            data,
            tokenizer: TinyModel().base.tokenizer,
            maxLength: maxLength,
            kind: task.kind,
            labels: task.labels.isEmpty ? nil : LabelMap(names: task.labels)
        )
    }

    private func films(_ lengths: [Int]) throws -> EncodedRows {
        let lines = lengths.map { length in
            let text = Array(repeating: "film", count: length - 2).joined(separator: " ")
            return #"{"text":"\#(text)","label":0}"#
        }
        return try rows(lines.joined(separator: "\n"), .classification)
    }

    @Test(arguments: [(16, 1, 4), (16, 2, 4), (12, 3, 6), (1000, 2, 2), (1, 2, 12), (0, 1, 12)])
    func `parts are alike long, and as many for each worker`(
        partLength: Int,
        workers: Int,
        count: Int
    ) throws {
        let rows = try films([5, 3, 7, 4, 4, 7, 3, 5, 6, 6, 6, 4])
        let parts = rows.parts(partLength: partLength, for: Workers(workers))
        #expect(parts.count == count)
        #expect(parts.flatMap(\.self).sorted() == Array(0..<12))
        let tokens = parts.map { $0.map(rows.length).reduce(0, +) }
        #expect(tokens.reduce(0, +) == 60)
        // A part ends at most half a row beside where it should.
        #expect(tokens.allSatisfy { abs($0 - 60 / count) <= 7 })
    }

    @Test
    func `a row that is longer than a part is one`() throws {
        let rows = try films([4, 30, 4, 28, 4])
        #expect(rows.parts(partLength: 12, for: Workers(2)) == [[0, 2, 4], [3], [1]])
    }

    @Test
    func `classes, lists of classes and numbers`() throws {
        let classes = try rows(
            #"{"text":"good film","label":"positive"}"# + "\n" + #"{"text":"bad","label":0}"#,
            .classification
        )
        #expect(classes.count == 2)
        #expect((0..<2).map { classes.length($0) } == [4, 3])
        #expect(classes.tokenCount == 7)
        guard case .classes([1, 0]) = classes.targets else {
            Issue.record("found \(classes.targets)")
            return
        }
        let lists = try rows(
            #"{"text":"a","labels":["music","praise"]}"# + "\n" + #"{"text":"a","labels":[]}"#,
            .multiLabel
        )
        guard case .classLists(let found) = lists.targets else {
            Issue.record("found \(lists.targets)")
            return
        }
        #expect(found.map { $0.sorted() } == [[0, 2], []])
        guard case .numbers([-2.5]) = try rows(#"{"text":"a","label":-2.5}"#, .regression).targets
        else {
            Issue.record("expected one number")
            return
        }
    }

    @Test
    func `a row without tokens is refused by its line`() throws {
        let data = try Dataset(
            parsing: Array("{\"text\": \"4 5\"}\n{\"text\": \"\"}".utf8),
            named: "rows.jsonl",
            schema: RowSchema(.text, target: nil),
            format: .jsonLines
        )
        let error = #expect(throws: TrainingError.self) {
            try EncodedRows(
                data,
                tokenizer: NumberTokenizer(),
                maxLength: 8,
                kind: .classification,
                labels: nil
            )
        }
        #expect(error?.description.hasPrefix("rows.jsonl:2: the text has no tokens") == true)
    }

    private static let sentence =
        #"{"tokens":["alice","books","rome"],"tags":["B-PER","O","B-LOC"]}"#

    @Test
    func `a tag belongs to the first token of its word`() throws {
        // [CLS] alice book ##s rome [SEP]
        let rows = try rows(EncodedRowsTests.sentence, .tagging)
        guard case .tags(let tags) = rows.targets else {
            Issue.record("found \(rows.targets)")
            return
        }
        #expect(tags == [-100, 2, 0, -100, 1, -100])
    }

    @Test
    func `words that are cut off have no tag`() throws {
        // [CLS] alice book ##s [SEP]
        let rows = try rows(EncodedRowsTests.sentence, .tagging, maxLength: 5)
        guard case .tags(let tags) = rows.targets else {
            Issue.record("found \(rows.targets)")
            return
        }
        #expect(tags == [-100, 2, 0, -100, -100])
    }

    @Test
    func `a batch names rows by their index`() throws {
        let rows = try TinyTask.classification.rows(TinyModel().base.tokenizer)
        let batch = try #require(rows.batch([5, 2]) as? TokenBatch)
        #expect(batch.layout.rowKeys == [5, 2])
        #expect(batch.layout.tokenCount == rows.length(5) + rows.length(2))
        let positions: [Int64] = try batch.positions.values()
        #expect(positions == [5, 2].flatMap { (0..<Int64(rows.length($0))).map(\.self) })
    }

    @Test
    func `pairs have two segments`() throws {
        let rows = try rows(
            #"{"text":"good film","text_b":"bad book","label":"positive"}"#,
            .classification
        )
        let types: [Int64] = try #require(rows.batch([0]) as? TokenBatch).typeIDs.values()
        #expect(types == [0, 0, 0, 0, 1, 1, 1])
    }

    @Test
    func `unknown labels are errors`() {
        let error = #expect(throws: DataError.self) {
            try rows(#"{"text":"a","label":"neutral"}"#, .classification)
        }
        #expect(error?.description.contains("neutral") == true)
    }
}

import GraftData
import Testing

@Suite struct JSONRowTests {
    @Test func `a row has id, line, text, pair and label`() throws {
        let rows = try dataset(
            """
            {"id": 7, "text": "a", "text_b": "b", "label": 1}

            {"label": "1", "text_b": "d", "text": "c", "id": "x", "note": [{}, null]}
            """
        )
        #expect(
            Array(rows) == [
                Row(id: .number(7), line: 1, text: "a", pair: "b", target: .category("1")),
                Row(id: .name("x"), line: 3, text: "c", pair: "d", target: .category("1")),
            ]
        )
        #expect(rows.hasPairs)
    }

    @Test func `rows without ids are numbered`() throws {
        let rows = try dataset("{\"text\": \"a\"}\n{\"text\": \"b\"}", .jsonLines, .unlabelled)
        #expect(rows.map(\.id) == [.number(0), .number(1)])
        #expect(rows.map(\.target) == [nil, nil])
        #expect(!rows.hasPairs)
    }

    @Test func `an array of objects reads as lines do`() throws {
        let text =
            "[\n {\"text\": \"a\",\n  \"label\": true}\n,{\"text\": \"b\", \"label\": 2.0}]\n"
        let rows = try dataset(text, .json)
        #expect(rows.map(\.target) == [.category("true"), .category("2")])
        #expect(rows.map(\.line) == [2, 4])
        #expect(try dataset("{\"text\": \"a\", \"label\": 0}", .json).count == 1)
        #expect(try dataset(text, .json, limit: 1).count == 1)
    }

    @Test func `words and tags`() throws {
        let rows = try dataset(
            #"{"tokens": ["Ada", "Lovelace"], "tags": ["B-PER", "I-PER"]}"#,
            .jsonLines,
            .tagging
        )
        #expect(rows[0].words == ["Ada", "Lovelace"])
        #expect(rows[0].text == "Ada Lovelace")
        #expect(rows[0].target == .tags(["B-PER", "I-PER"]))
    }

    @Test func `several labels, numbers and texts as targets`() throws {
        let several = try dataset(
            "{\"text\": \"\", \"labels\": [\"x\", 3]}\n{\"text\": \"\", \"labels\": []}",
            .jsonLines,
            .multiLabel
        )
        #expect(several.map(\.target) == [.categories(["x", "3"]), .categories([])])
        let numbers = try dataset(#"{"text": "a", "label": 4.75}"#, .jsonLines, .regression)
        #expect(numbers.numbers == [4.75])
        let columns = ColumnNames(text: "input", label: "output")
        let schema = RowSchema(.text, target: .text, columns: columns)
        let texts = try dataset(#"{"input": "a", "output": "b"}"#, .jsonLines, schema)
        #expect(texts[0].target == .text("b"))
    }

    @Test func `a byte order mark and carriage returns are no text`() throws {
        let rows = try dataset(
            "\u{feff}{\"text\": \"a\", \"label\": 0}\r\n{\"text\": \"b\", \"label\": 1}\r\n"
        )
        #expect(rows.map(\.text) == ["a", "b"])
    }

    @Test func `the limit stops the reading`() throws {
        let rows = try dataset("{\"text\": \"a\", \"label\": 0}\nthis is no JSON", limit: 1)
        #expect(rows.count == 1)
        // So do rows with problems: what lies beyond is nobody's.
        let error = #expect(throws: DataError.self) {
            try dataset("no JSON\n{\"text\": \"a\", \"label\": 0}\nno JSON", limit: 2)
        }
        guard case .badRows(_, let problems, total: 1) = error else {
            Issue.record("expected one bad row, found \(String(describing: error))")
            return
        }
        #expect(problems.map(\.line) == [1])
    }

    @Test(arguments: [
        (#"{"text": 5, "label": 1}"#, "'text' is a number where a string is wanted"),
        (#"{"text": null, "label": 1}"#, "'text' is null"),
        (
            #"{"text": "a", "label": 1.5}"#,
            "'label' is 1.5, but a class is a name or a whole number "
                + "(hint: is the task regression?)"
        ),
        (
            #"{"text": "a", "label": [1]}"#,
            "'label' is an array where a name or a whole number is wanted"
        ),
        (#"{"text": "a", "label": ""}"#, "'label' is empty"),
        (#"{"text": "a", "label": 1, "text": "b"}"#, "'text' appears twice"),
        (
            #"{"text": "a", "label": 1, "id": 1.5}"#,
            "'id' is a number where a whole number or a string is wanted"
        ),
        (
            #"{"text": "a", "label": 1, }"#,
            "invalid JSON at column 27: expected a member name in quotes"
        ),
        (#"{"text": "ä", "label": 01}"#, "invalid JSON at column 24: a number cannot begin with 0"),
        (
            #"{"text": "a", "label": 1} 2"#,
            "invalid JSON at column 27: unexpected text after the value"
        ),
        (#"["a", 1]"#, "an array where an object is wanted"),
    ])
    func `a bad row is named with its line`(row: String, problem: String) {
        #expect(complaint("\n" + row + "\n") == "rows:2: " + problem)
    }

    @Test func `missing values are found after the first row`() {
        let first = "{\"text\": \"a\", \"label\": 1, \"id\": 1}\n"
        #expect(complaint(first + #"{"label": 1, "id": 2}"#) == "rows:2: 'text' is missing")
        #expect(complaint(first + #"{"text": "b", "id": 2}"#) == "rows:2: 'label' is missing")
        #expect(complaint(first + #"{"text": "b", "label": 1}"#) == "rows:2: 'id' is missing")
        #expect(
            complaint(first + #"{"text": "b", "label": 1, "id": 2, "text_b": "c"}"#)
                == "rows:2: there is a 'text_b', which the first row lacks"
        )
    }

    @Test func `tags and words must pair up`() {
        let row = #"{"tokens": ["a", "b"], "tags": ["O"]}"#
        #expect(complaint(row, .jsonLines, .tagging) == "rows:1: 1 tags for 2 words")
        let empty = #"{"tokens": [], "tags": []}"#
        #expect(complaint(empty, .jsonLines, .tagging) == "rows:1: 'tokens' is empty")
    }

    @Test func `pictures have one text or several`() throws {
        let schema = RowSchema(.picture, target: .texts)
        let rows = try dataset(
            #"""
            {"image": "1.jpg", "captions": ["a cat", "a cat", "two"]}
            {"image": "2.jpg", "captions": "a dog"}
            {"image": "3.jpg", "captions": [""]}
            """#,
            .jsonLines,
            schema
        )
        #expect(
            rows.map(\.target) == [
                .texts(["a cat", "a cat", "two"]), .texts(["a dog"]), .texts([""]),
            ]
        )
        let other = try dataset(#"{"image": "1.jpg", "text": "a cat"}"#, .jsonLines, schema)
        #expect(other[0].target == .texts(["a cat"]))
        for (value, problem) in [
            ("[]", "'captions' is empty"),
            ("[1]", "'captions' is a number where a string is wanted"),
            ("null", "'captions' is null"),
        ] {
            #expect(
                complaint(#"{"image": "1.jpg", "captions": \#(value)}"#, .jsonLines, schema)
                    == "rows:1: " + problem
            )
        }
    }

    @Test func `ten problems are shown and the rest counted`() {
        let good = #"{"text": "a", "label": 1}"#
        let rows = [good] + Array(repeating: #"{"text": "a"}"#, count: 47) + [good]
        let lines = complaint(rows.joined(separator: "\n"))?.split(separator: "\n") ?? []
        #expect(lines.count == 12)
        #expect(lines.first == "rows: 47 rows have problems")
        #expect(lines.dropFirst().first == "  rows:2: 'label' is missing")
        #expect(lines.last == "  ... and 37 more")
    }

    @Test func `a column that is not there is an error that lists those that are`() {
        #expect(
            complaint(#"{"sentence": "a", "label": 1}"#)
                == "rows:1: no column 'text'; there is 'sentence', 'label' "
                + "(hint: choose one with --text-column)"
        )
        let schema = RowSchema(.text, target: nil, columns: ColumnNames(pair: "second"))
        #expect(
            complaint(#"{"text": "a"}"#, .jsonLines, schema)
                == "rows:1: no column 'second'; there is 'text' (hint: choose one with --pair-column)"
        )
    }

    @Test func `an array that breaks off names the place`() {
        #expect(
            complaint("[{\"text\": \"a\", \"label\": 0},\n {\"text\": \"b\" \"label\": 1}]", .json)
                == "rows:2: invalid JSON at column 15: expected ',' or '}'"
        )
        #expect(complaint("[]", .json) == "rows: there are no rows")
    }

    @Test func `bytes that are not UTF-8 are named by line and place`() {
        let bytes =
            Array("{\"text\": \"a\", \"label\": 1}\n{\"text\": \"".utf8) + [0xe4]
            + Array("\"}".utf8)
        let message = complaint { () throws(DataError) in
            _ = try Dataset(parsing: bytes, named: "rows", schema: .classes, format: .jsonLines)
        }
        #expect(message == "rows:2: byte 11 is not UTF-8 (hint: convert the file to UTF-8)")
    }

    @Test(arguments: ["", "\n \n\r\n", "\u{feff}"])
    func `a file without rows is an error`(text: String) {
        #expect(complaint(text) == "rows: there are no rows")
    }

    @Test func `UTF-16 is told as such`() {
        let message = complaint { () throws(DataError) in
            _ = try Dataset(
                parsing: [0xff, 0xfe, 0x7b, 0],
                named: "rows",
                schema: .classes,
                format: .jsonLines
            )
        }
        #expect(message == "rows:1: the text is UTF-16 (hint: convert it to UTF-8)")
    }
}

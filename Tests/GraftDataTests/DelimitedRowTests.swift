import GraftData
import Testing

@Suite struct DelimitedRowTests {
    @Test func `quotes, doubled quotes and line breaks as in RFC 4180`() throws {
        let rows = try dataset(
            "\u{feff}id,text,\"label\"\r\n1,\"a, \"\"b\"\"\r\nc\",x\r\n\r\nk2,,\"y\"\r\n3,\"\",\"\"\"\"",
            .csv
        )
        #expect(
            Array(rows) == [
                Row(
                    id: .number(1),
                    line: 2,
                    text: "a, \"b\"\r\nc",
                    pair: nil,
                    target: .category("x")
                ),
                Row(id: .name("k2"), line: 5, text: "", pair: nil, target: .category("y")),
                Row(id: .number(3), line: 6, text: "", pair: nil, target: .category("\"")),
            ]
        )
    }

    @Test func `in plain TSV a quote is a character`() throws {
        let rows = try dataset("text\tlabel\n\"a\"\" b\t0\nc \"d\t1\r\n", .tsv)
        #expect(rows.map(\.text) == ["\"a\"\" b", "c \"d"])
        let quoted = try dataset("text\tlabel\n\"a\tb\"\t0\n", .quotedTSV)
        #expect(quoted[0].text == "a\tb")
    }

    @Test func `lists are written in one field`() throws {
        let tags = try dataset("tokens,tags\nAda wrote,B-PER O\n", .csv, .tagging)
        #expect(tags[0].words == ["Ada", "wrote"])
        #expect(tags[0].target == .tags(["B-PER", "O"]))
        let several = try dataset("text\tlabels\na\t3,x\nb\t\n", .tsv, .multiLabel)
        #expect(several.map(\.target) == [.categories(["3", "x"]), .categories([])])
    }

    @Test func `numbers are plain decimal numbers`() throws {
        let rows = try dataset("text,label\na,-1.5e1\nb,3\n", .csv, .regression)
        #expect(rows.numbers == [-15, 3])
        for field in ["nan", "inf", "0x1p3", "", " 1", "1e999", "1,5"] {
            let message = complaint("text\tlabel\na\t\(field)\n", .tsv, .regression)
            #expect(message == "rows:2: 'label' is '\(field)' where a number is wanted")
        }
    }

    @Test(arguments: [
        ("1,a\n", "2 fields where the header has 3"),
        ("1,a,b,c\n", "4 fields where the header has 3"), ("1\n", "1 field where the header has 3"),
        ("1,\"a\"x,0\n", "text after the closing quote of a field"), ("1,a,\n", "'label' is empty"),
        ("1,\"a,0\n2,b,1\n", "a quote opened in this row is never closed"),
    ])
    func `bad rows`(rows: String, problem: String) {
        #expect(complaint("id,text,label\n" + rows, .csv) == "rows:2: " + problem)
    }

    @Test func `a stray quote spoils one row only`() {
        let message = complaint("text,label\na 5\" disk,0\nb,1\n6\" too,1\n", .csv) ?? ""
        #expect(message.hasPrefix("rows: 2 rows have problems\n  rows:2: a quote inside"))
        #expect(message.contains("\n  rows:4: a quote inside"))
    }

    @Test func `headers`() {
        #expect(
            complaint("text,label,text\na,0,b\n", .csv)
                == "rows:1: the header names column 'text' twice"
        )
        #expect(
            complaint("\nsentence\tlabel\na\t0\n", .tsv)
                == "rows:2: no column 'text'; there is 'sentence', 'label' "
                + "(hint: choose one with --text-column)"
        )
        #expect(complaint("text,label\n", .csv) == "rows: there are no rows")
        #expect(complaint("", .csv) == "rows: there are no rows")
    }

    @Test func `what is written reads the same`() throws {
        let fields = ["", "plain", "a,b", "a\tb", "\"", "\"\"", "line\nbreak", "\r\n", " ä ", "'"]
        for format in [DataFormat.csv, .quotedTSV] {
            try withTemporaryFolder { folder in
                let writer = try RowWriter(path: folder + "/rows")
                try writer.write(["text", "text_b"], as: format)
                for field in fields { try writer.write([field, "x" + field], as: format) }
                try writer.finish()
                let rows = try Dataset(
                    contentsOf: folder + "/rows",
                    schema: .unlabelled,
                    format: format
                )
                #expect(rows.map(\.text) == fields)
                #expect(rows.map(\.pair) == fields.map { "x" + $0 })
            }
        }
    }

    @Test(arguments: [DataFormat.csv, .tsv, .quotedTSV])
    func `any sequence of quotes, separators and line ends is read or reported`(
        format: DataFormat
    ) {
        var generator = SplitMix(state: 2)
        var (read, reported) = (0, 0)
        for _ in 0..<3000 {
            let length = Int.random(in: 0...8, using: &generator)
            let body = String(
                (0..<length).map { _ in
                    "\",\t\n\ra".unicodeScalars.map(Character.init).randomElement(using: &generator)
                        ?? "a"
                }
            )
            let separator = format == .csv ? "," : "\t"
            switch complaint("text\(separator)text_b\n\(body)\na\(separator)b", format, .unlabelled)
            {
            case nil: read += 1
            case let message?: reported += message.hasPrefix("rows:") ? 1 : 0
            }
        }
        #expect(read + reported == 3000)
        #expect(read > 100)
        #expect(reported > 100)
    }

    @Test func `rows of a file are whole wherever the pieces it is read in end`() throws {
        try withTemporaryFolder { folder in
            let texts = (0..<20_000).map { String(repeating: "\"é,\r\n", count: $0 % 7) }
            let writer = try RowWriter(path: folder + "/rows.csv")
            try writer.write(["text"], as: .csv)
            for text in texts { try writer.write([text], as: .csv) }
            try writer.finish()
            let rows = try Dataset(contentsOf: folder + "/rows.csv", schema: .unlabelled)
            #expect(rows.map(\.text) == texts)
        }
    }
}

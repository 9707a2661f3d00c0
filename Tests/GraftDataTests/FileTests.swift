import Foundation
import GraftData
import Testing

@Suite struct FileTests {
    // The rows "text\tlabel\na\t0\n" and "b\t1\n", each compressed by Python's gzip module.
    private let first = bytes(
        "1f8b08000000000002032b49ad28e1cc494c4acde14ae434e002009260a6a20f000000"
    )
    private let second = bytes("1f8b08000000000002034be234e40200b735329904000000")

    private static func bytes(_ hexadecimal: String) -> [UInt8] {
        stride(from: 0, to: hexadecimal.count, by: 2).compactMap { offset in
            UInt8(hexadecimal.dropFirst(offset).prefix(2), radix: 16)
        }
    }

    private func read(_ bytes: [UInt8], named name: String = "rows") throws(DataError) -> Dataset {
        try Dataset(parsing: bytes, named: name, schema: .classes, format: .tsv)
    }

    @Test func `gzip files may have several members and padding`() throws {
        #expect(try read(first).map(\.text) == ["a"])
        #expect(try read(first + second).map(\.text) == ["a", "b"])
        #expect(try read(first + [0, 0, 0] + second + [0, 0]).map(\.text) == ["a", "b"])
    }

    @Test func `every truncation of a gzip file is an error`() {
        let bytes = first + second
        for end in 2..<bytes.count where end != first.count {
            let message = complaint { () throws(DataError) in _ = try read(Array(bytes[..<end])) }
            #expect(
                message == "rows: damaged gzip data: the file ends too early "
                    + "(hint: copy or download the file again)",
                "cut at \(end)"
            )
        }
    }

    @Test func `every change of a gzip member's data is an error`() {
        // The header's time, flags and system (bytes 4 to 9) say nothing about the data.
        for index in first.indices where !(4..<10).contains(index) && index > 1 {
            var bytes = first
            bytes[index] ^= 0x55
            let message = complaint { () throws(DataError) in _ = try read(bytes) }
            #expect(message?.hasPrefix("rows: damaged gzip data: ") == true, "changed at \(index)")
        }
    }

    @Test func `other data after a gzip member is an error`() {
        let message = complaint { () throws(DataError) in _ = try read(first + Array("x".utf8)) }
        #expect(message?.contains("other data follows the compressed data") == true)
    }

    @Test func `a file named gz must be compressed`() {
        let message = complaint { () throws(DataError) in
            _ = try read(Array("text\tlabel\na\t0\n".utf8), named: "rows.tsv.gz")
        }
        #expect(message?.contains("the file is named .gz, but is not compressed") == true)
    }

    @Test(arguments: [
        ("a/train.jsonl", DataFormat.jsonLines), ("train.dev.JSONL.GZ", .jsonLines),
        ("x.ndjson", .jsonLines), ("x.json", .json), ("x.csv.gz", .csv), ("x.tsv", .tsv),
    ])
    func `formats go by the file's name`(path: String, format: DataFormat) throws {
        #expect(try DataFormat(path: path) == format)
    }

    @Test(arguments: ["train", "train.txt", "csv", "train.gz", "a.csv/train", "", "x.parquet"])
    func `a name that tells no format is an error`(path: String) {
        #expect(throws: DataError.unknownFormat(path: path)) { try DataFormat(path: path) }
    }

    @Test func `files that cannot be read`() throws {
        try withTemporaryFolder { folder in
            let absent = folder + "/absent.jsonl"
            #expect(
                complaint { () throws(DataError) in
                    _ = try Dataset(contentsOf: absent, schema: .classes)
                } == "\(absent): cannot be read: there is no such file"
            )
            #expect(
                complaint { () throws(DataError) in
                    _ = try Dataset(contentsOf: folder, schema: .classes)
                } == "\(folder): cannot be read: it is a folder (hint: name a file in it)"
            )
        }
    }

    @Test func `predictions are written as JSON lines`() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/predictions.jsonl"
            let writer = try RowWriter(path: path)
            try writer.write(
                .object([
                    .init("id", RowID.number(7).json), .init("label", .string("a\"\n\u{2028}é")),
                    .init("scores", .array([.number(shortest: 0.1), .number(1e-7), .integer(-1)])),
                    .init("rest", .array([.null, .bool(true), .number(.nan), .object([])])),
                ])
            )
            try writer.finish()
            let written = try String(contentsOfFile: path, encoding: .utf8)
            #expect(
                written == #"{"id": 7, "label": "a\"\n\u2028é", "scores": [0.1, 1e-07, -1], "#
                    + #""rest": [null, true, null, {}]}"# + "\n"
            )
        }
    }

    @Test func `what is written as JSON reads the same`() throws {
        var generator = SplitMix(state: 1)
        let texts = (0..<300).map { round in
            let scalars = (0..<9).compactMap { _ in
                Unicode.Scalar(
                    UInt32.random(in: 0...0x10ffff >> (round % 4 * 5), using: &generator)
                )
            }
            return String(String.UnicodeScalarView(scalars))
        }
        let numbers = texts.map { _ in
            Double(bitPattern: .random(in: 0..<0x7ff << 52, using: &generator))
        }
        let lines = zip(texts, numbers).map { text, number in
            JSONValue.object([.init("text", .string(text)), .init("label", .number(number))])
        }
        let rows = try dataset(
            lines.map(\.description).joined(separator: "\n"),
            .jsonLines,
            .regression
        )
        #expect(rows.numbers == numbers)
        #expect(
            zip(rows, texts).allSatisfy { $0.text.unicodeScalars.elementsEqual($1.unicodeScalars) }
        )
    }

    @Test func `a file that cannot be written is an error`() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/absent/predictions.jsonl"
            #expect(
                complaint { () throws(DataError) in _ = try RowWriter(path: path) }
                    == "\(path): cannot be written: No such file or directory "
                    + "(hint: check its folder)"
            )
        }
    }

    @Test func `rows longer than a chunk of input are whole`() throws {
        let long = String(repeating: "0123456789abcdef", count: 1 << 16)
        let text = (0..<3).map { "{\"text\": \"\(long)\", \"label\": \($0)}\n" }.joined()
        let lines = try dataset(text)
        #expect(lines.map(\.text) == [long, long, long])
        let csv = try dataset("text,label\n\"\(long)\n\",0\n\"\(long)\",1\n", .csv)
        #expect(csv.map(\.text) == [long + "\n", long])
        #expect(csv.map(\.line) == [2, 4])
    }

    @Test func `a row takes little more memory than its text`() throws {
        let text = (0..<1000).map { "{\"id\": \($0), \"text\": \"row \($0 % 10)\", \"label\": 1}" }
        let rows = try dataset(text.joined(separator: "\n"))
        #expect(rows.byteCount < 1000 * (5 + 3 + 24))
    }
}

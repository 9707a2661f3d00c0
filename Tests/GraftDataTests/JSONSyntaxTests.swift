import Foundation
import GraftData
import Testing

@Suite struct JSONSyntaxTests {
    /// The text of a row whose JSON string is written as `literal`.
    private func text(_ literal: String) throws -> String {
        try dataset("{\"text\": \"\(literal)\"}", .jsonLines, .unlabelled)[0].text
    }

    @Test(arguments: [
        (#"\" \\ \/ \b \f \n \r \t"#, "\" \\ / \u{8} \u{c} \n \r \t"),
        (#"\u0041\u00e4\u20AC"#, "Aä€"),
        (#"\ud83d\ude00x"#, "😀x"),
        (#"\uD800\uDC00"#, "\u{10000}"),
        (#"\u0000"#, "\u{0}"),
        ("日本語 🧑‍🚀 \u{7f}\u{2028}", "日本語 🧑‍🚀 \u{7f}\u{2028}"),
        ("", ""),
    ])
    func `escapes`(literal: String, expected: String) throws {
        #expect(try text(literal).unicodeScalars.elementsEqual(expected.unicodeScalars))
    }

    @Test(arguments: [
        (#"\ud83d"#, "half a surrogate pair"), (#"\ude00\ud83d"#, "half a surrogate pair"),
        (#"\ud83d\u0041"#, "half a surrogate pair"), (#"\ud83dx"#, "half a surrogate pair"),
        (#"\u12g4"#, "hexadecimal"), (#"\u12"#, "hexadecimal"), (#"\x"#, "unknown escape"),
        ("\t", "control character"), ("\u{0}", "control character"), ("\\", "not closed"),
    ])
    func `strings that JSON does not allow`(literal: String, reason: String) {
        let message = complaint("{\"text\": \"\(literal)\"}", .jsonLines, .unlabelled)
        #expect(message?.contains(reason) == true, "\(message ?? "no error")")
    }

    @Test(arguments: [
        "+1", "1.", ".5", "01", "-", "1e", "1e+", "0x10", "NaN", "Infinity", "-Infinity", "1e999",
        "tru", "nul", "'a'", "", "{", "[", "[1,]", "[1 2]", "{\"a\" 1}", "{\"a\": }", "{a: 1}",
        "{\"a\": 1,}", "\"", "//", "1 /* c */",
    ])
    func `values that JSON does not allow, where nobody looks at them`(value: String) {
        let message = complaint("{\"text\": \"a\", \"x\": \(value)}", .jsonLines, .unlabelled)
        #expect(
            message?.hasPrefix("rows:1: invalid JSON at column ") == true,
            "\(message ?? "read")"
        )
    }

    @Test(arguments: [
        "0", "-0", "-0.0", "1E5", "1e-400", "12345678901234567890", "0.1e+2", "[]", "{}",
        " [ 1 , { \"a\" : [ ] } ] ", "true", "false", "null", "\"\\u0000\"",
    ])
    func `values that JSON does allow, where nobody looks at them`(value: String) throws {
        let rows = try dataset("{\"x\": \(value), \"text\": \"a\"}", .jsonLines, .unlabelled)
        #expect(rows[0].text == "a")
    }

    @Test(arguments: [
        ("0", 0.0), ("-1.5e3", -1500), ("1e-3", 0.001), ("5e-324", .leastNonzeroMagnitude),
        ("0.1", 0.1), ("9007199254740993", 9_007_199_254_740_992),
    ])
    func `numbers`(literal: String, value: Double) throws {
        let rows = try dataset(
            "{\"text\": \"\", \"label\": \(literal)}",
            .jsonLines,
            .regression
        )
        #expect(rows.numbers == [value])
    }

    @Test func `deep nesting is refused before the stack is spent`() {
        let deep = String(repeating: "[", count: 100_000)
        let message = complaint("{\"text\": \"a\", \"x\": \(deep)", .jsonLines, .unlabelled)
        #expect(message?.hasSuffix("nested more than 256 deep") == true)
    }

    /// Every prefix and every one-byte change of a row either reads or is reported: nothing crashes.
    @Test func `damaged rows are reported or read, never more`() throws {
        let row = Array(
            #"{"id": -1.5e3, "text": "a\ud83d\ude00\n", "x": [{"y": null}, true]}"#.utf8
        )
        var reported = 0
        func attempt(_ bytes: [UInt8]) {
            do throws(DataError) {
                _ = try Dataset(parsing: bytes, named: "rows", schema: .unlabelled, format: .json)
            } catch {
                reported += error.description.hasPrefix("rows") ? 1 : 0
            }
        }
        for end in row.indices {
            attempt(Array(row[..<end]))
        }
        #expect(reported == row.count)
        reported = 0
        for index in row.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = row
                changed[index] = byte
                attempt(changed)
            }
        }
        #expect(reported > row.count * 100)
    }

    @Test func `what Foundation writes reads the same`() throws {
        var generator = SplitMix(state: 0)
        for round in 0..<200 {
            let scalars = (0..<20).compactMap { _ in
                Unicode.Scalar(
                    UInt32.random(in: 0...0x10ffff >> (round % 4 * 5), using: &generator)
                )
            }
            let text = String(String.UnicodeScalarView(scalars))
            let number = Double(bitPattern: .random(in: 0..<0x7ff << 52, using: &generator))
            let object: [String: Any] = ["text": text, "label": number]
            let data = try JSONSerialization.data(withJSONObject: object)
            let rows = try Dataset(
                parsing: [UInt8](data),
                named: "rows",
                schema: .regression,
                format: .jsonLines
            )
            #expect(rows[0].text.unicodeScalars.elementsEqual(scalars), "round \(round)")
            #expect(rows.numbers == [number], "round \(round)")
        }
    }
}

/// A seeded generator of random numbers, the same on every machine.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

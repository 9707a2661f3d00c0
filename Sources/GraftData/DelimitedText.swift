/// Rows of fields between separators: CSV and TSV, with or without the quoting of RFC 4180.
struct DelimitedText: Sendable, Hashable {
    let separator: UInt8
    let isQuoted: Bool

    /// Nil for the JSON formats.
    init?(_ format: DataFormat) {
        switch format {
        case .csv: (separator, isQuoted) = (.comma, true)
        case .tsv: (separator, isQuoted) = (.tab, false)
        case .quotedTSV: (separator, isQuoted) = (.tab, true)
        case .jsonLines, .json: return nil
        }
    }

    var boundary: RecordReader.Boundary {
        isQuoted ? .unquotedLineFeed(separator: separator) : .lineFeed
    }

    /// Why a row's quotes are wrong.
    struct Failure: Error {
        let reason: String
    }

    /// Splits a row, whose bytes must be valid UTF-8, into its fields.
    func fields(of row: ArraySlice<UInt8>) throws(Failure) -> [String] {
        guard isQuoted else {
            return row.split(separator: separator, omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
        }
        var fields: [String] = []
        var rest = row
        while true {
            fields.append(try field(&rest))
            guard rest.popFirst() != nil else { return fields }
        }
    }

    /// Takes a field off the front of `rest`, up to the separator after it.
    private func field(_ rest: inout ArraySlice<UInt8>) throws(Failure) -> String {
        guard rest.first == .quote else {
            let bytes = rest.prefix { $0 != separator }
            guard !bytes.contains(.quote) else {
                throw Failure(
                    reason:
                        "a quote inside an unquoted field (hint: quote the field and double the "
                        + "quote, or use the format tsv, where quotes are plain characters)"
                )
            }
            rest = rest[bytes.endIndex...]
            return String(decoding: bytes, as: UTF8.self)
        }
        var bytes: [UInt8] = []
        while true {
            let part = rest.dropFirst().prefix { $0 != .quote }
            bytes += part
            rest = rest[part.endIndex...].dropFirst()
            guard rest.first == .quote else { break }
            // A quote right after a closing one stands for the quote itself.
            bytes.append(.quote)
        }
        guard rest.isEmpty || rest.first == separator else {
            throw Failure(reason: "text after the closing quote of a field")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Splits a source of bytes into records (lines, or CSV rows that may span lines) as they arrive.
///
/// Only the record at hand and one chunk of input are in memory. A byte order mark at the start is
/// dropped, and so is the carriage return of a `\r\n` line end.
struct RecordReader {
    /// One record, without its line end.
    struct Record {
        let bytes: ArraySlice<UInt8>
        /// The line on which the record begins, from one.
        let line: Int
        /// Whether the input ended inside a quoted field.
        var endsInQuotes = false
    }

    /// Where a record ends.
    enum Boundary {
        /// At every line feed.
        case lineFeed
        /// At a line feed outside of quotes, in rows whose fields `separator` separates.
        case unquotedLineFeed(separator: UInt8)
    }

    private static let chunk = 1 << 18

    private var source: any ByteSource
    private var buffer: [UInt8] = []
    private var start = 0
    private var line = 1
    private var isExhausted = false

    /// Opens `source`, which is decompressed if it begins as gzip does.
    init(_ source: any ByteSource, path: String) throws(DataError) {
        self.source = source
        try fill()
        if buffer.starts(with: GzipSource.magic) {
            self.source = try GzipSource(self.source, head: buffer, path: path)
            (buffer, isExhausted) = ([], false)
            try fill()
        } else if path.lowercased().hasSuffix(".gz"), !buffer.isEmpty {
            throw .damagedGzip(path: path, reason: "the file is named .gz, but is not compressed")
        }
        if buffer.starts(with: [0xff, 0xfe]) || buffer.starts(with: [0xfe, 0xff]) {
            throw .malformed(
                path: path,
                line: 1,
                reason: "the text is UTF-16 (hint: convert it to UTF-8)"
            )
        }
        if buffer.starts(with: [0xef, 0xbb, 0xbf]) { start = 3 }
    }

    /// The first byte that is not white space, if there is one in the first chunk.
    var firstVisibleByte: UInt8? {
        buffer[start...].first { !isJSONSpace($0) }
    }

    /// The next record; nil at the end of the input.
    mutating func next(_ boundary: Boundary) throws(DataError) -> Record? {
        var offset = 0
        var quotes = QuoteState.fieldStart
        while true {
            let found =
                switch boundary {
                case .lineFeed: lineFeed(after: &offset)
                case .unquotedLineFeed(let separator):
                    unquotedLineFeed(after: &offset, &quotes, separator: separator)
                }
            if let end = found { return take(upTo: end, skipping: 1) }
            if isExhausted {
                guard start < buffer.count else { return nil }
                var record = take(upTo: buffer.count, skipping: 0)
                record.endsInQuotes = quotes == .quoted
                return record
            }
            try refill()
        }
    }

    /// Everything that is left, as one record.
    mutating func rest() throws(DataError) -> Record {
        while !isExhausted { try refill() }
        return take(upTo: buffer.count, skipping: 0)
    }

    private mutating func take(upTo end: Int, skipping terminator: Int) -> Record {
        var bytes = buffer[start..<end]
        let record = line
        line += terminator + bytes.count { $0 == .lineFeed }
        start = end + terminator
        if bytes.last == .carriageReturn { bytes.removeLast() }
        return Record(bytes: bytes, line: record)
    }

    private func lineFeed(after offset: inout Int) -> Int? {
        let end = buffer[(start + offset)...].firstIndex(of: .lineFeed)
        offset = buffer.count - start
        return end
    }

    private func unquotedLineFeed(
        after offset: inout Int,
        _ quotes: inout QuoteState,
        separator: UInt8
    ) -> Int? {
        for position in (start + offset)..<buffer.count {
            let byte = buffer[position]
            if byte == .lineFeed, quotes != .quoted { return position }
            quotes.advance(over: byte, separator: separator)
        }
        offset = buffer.count - start
        return nil
    }

    /// Drops what has been taken and appends more input, doubling what is held of a long record.
    private mutating func refill() throws(DataError) {
        buffer.removeSubrange(..<start)
        start = 0
        try fill()
    }

    private mutating func fill() throws(DataError) {
        let goal = max(Self.chunk, 2 * buffer.count)
        while buffer.count < goal, !isExhausted {
            let bytes = try source.read(Self.chunk)
            isExhausted = bytes.isEmpty
            buffer += bytes
        }
    }
}

/// Where in a quoted row a byte stands.
///
/// A quote opens a quoted field only at the field's start; elsewhere it is left for the row's parser
/// to reject, so that one stray quote spoils one row and not the rest of the file.
enum QuoteState {
    case fieldStart, unquoted, quoted, closed

    mutating func advance(over byte: UInt8, separator: UInt8) {
        switch (self, byte) {
        case (.quoted, .quote): self = .closed
        case (.quoted, _): break
        case (.fieldStart, .quote), (.closed, .quote): self = .quoted
        case (_, separator): self = .fieldStart
        default: self = .unquoted
        }
    }
}

extension UInt8 {
    static let lineFeed = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let tab = UInt8(ascii: "\t")
    static let comma = UInt8(ascii: ",")
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")
}

/// Whether JSON allows `byte` between tokens.
func isJSONSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == .lineFeed || byte == .carriageReturn || byte == .tab
}

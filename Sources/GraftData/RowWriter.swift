private import Foundation
private import Glibc

/// Writes rows, such as predictions, as JSON lines, CSV or TSV.
///
/// Rows are gathered and written in pieces; call ``finish()`` after the last, which also reports what
/// the system could not write. A writer serves one task.
public final class RowWriter {
    private static let piece = 1 << 16

    private let path: String
    private let handle: FileHandle
    private var pending: [UInt8] = []

    /// Writes to a file, which is created, or emptied if it exists.
    ///
    /// - Throws: ``DataError/unwritable(path:reason:)``.
    public init(path: String) throws(DataError) {
        self.path = path
        // FileManager would put a new file in the place of a device, a pipe or a link.
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            let reason = unsafe String(cString: strerror(errno))
            throw .unwritable(path: path, reason: "\(reason) (hint: check its folder)")
        }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// Writes to the standard output.
    public init() {
        path = "standard output"
        handle = .standardOutput
    }

    /// Adds a JSON value on a line of its own.
    public func write(_ value: JSONValue) throws(DataError) {
        try write(line: value.description)
    }

    /// Adds a row of fields.
    ///
    /// - Parameters:
    ///   - fields: The row, or the header.
    ///   - format: One of the formats with fields. In plain TSV a field cannot contain a tab or a line break.
    /// - Throws: ``DataError/unwritable(path:reason:)``.
    public func write(_ fields: [String], as format: DataFormat) throws(DataError) {
        guard let text = DelimitedText(format) else {
            throw .unwritable(
                path: path,
                reason: "\(format.rawValue) rows have members, not fields"
            )
        }
        guard let line = text.line(fields) else {
            throw .unwritable(
                path: path,
                reason: "a field has a tab or a line break (hint: use quoted-tsv, csv or jsonl)"
            )
        }
        try write(line: line)
    }

    /// Writes what is still pending; a file is then closed.
    public func finish() throws(DataError) {
        try flush()
        guard handle !== FileHandle.standardOutput else { return }
        try attempt { try handle.close() }
    }

    private func write(line: String) throws(DataError) {
        pending += line.utf8
        pending.append(.lineFeed)
        if pending.count >= Self.piece { try flush() }
    }

    /// Writes what is still pending, so that it is there whatever happens later.
    public func flush() throws(DataError) {
        let data = Data(pending)
        pending.removeAll(keepingCapacity: true)
        try attempt { try handle.write(contentsOf: data) }
    }

    private func attempt(_ body: () throws -> Void) throws(DataError) {
        do {
            try body()
        } catch {
            throw .unwritable(path: path, reason: error.systemReason)
        }
    }
}

extension DelimitedText {
    /// The fields as one row without its line end; nil if they cannot be told apart without quotes.
    func line(_ fields: [String]) -> String? {
        let special: [UInt8] = [separator, .lineFeed, .carriageReturn]
        guard isQuoted else {
            let isPlain = fields.allSatisfy { field in !field.utf8.contains(where: special.contains)
            }
            return isPlain ? fields.joined(separator: "\t") : nil
        }
        // A lone empty field would be a blank line, which readers skip.
        let quotesAll = fields == [""]
        let written = fields.map { field in
            let needsQuotes = field.utf8.contains { special.contains($0) || $0 == .quote }
            guard needsQuotes || quotesAll else { return field }
            return "\""
                + field.split(separator: "\"", omittingEmptySubsequences: false)
                .joined(separator: "\"\"") + "\""
        }
        return written.joined(separator: String(Unicode.Scalar(separator)))
    }
}

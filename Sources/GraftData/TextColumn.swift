/// Many strings in one buffer of UTF-8: eight bytes per string beside the text itself.
struct TextColumn: Sendable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    var count: Int { ends.count }

    /// The bytes that the column's contents take.
    var byteCount: Int { bytes.count + ends.count * MemoryLayout<Int>.stride }

    mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        ends.append(bytes.count)
    }

    subscript(index: Int) -> String {
        let start = index == 0 ? 0 : ends[index - 1]
        return String(decoding: bytes[start..<ends[index]], as: UTF8.self)
    }
}

/// Where each row's part of a flat list ends, for rows of different lengths.
struct RowBounds: Sendable {
    private var ends: [Int] = []

    var byteCount: Int { ends.count * MemoryLayout<Int>.stride }

    mutating func append(length: Int) { ends.append((ends.last ?? 0) + length) }

    subscript(row: Int) -> Range<Int> { (row == 0 ? 0 : ends[row - 1])..<ends[row] }
}

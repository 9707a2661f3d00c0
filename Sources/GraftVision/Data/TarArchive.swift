internal import GraftData

/// The files of a tar archive in memory: where each one's bytes lie.
///
/// Read are the ustar format, with GNU's long names and the `path` and `size` of POSIX.1-2001 (pax) headers.
/// Nothing is unpacked, so names cannot reach outside. Folders and links are skipped.
struct TarArchive {
    struct Entry {
        let name: String
        let range: Range<Int>
    }

    let entries: [Entry]

    private static let block = 512

    /// Whether a file is a tar archive: its first header's checksum is right.
    static func recognises(_ bytes: [UInt8]) -> Bool {
        bytes.count >= block && checksum(bytes[0..<block]) == octal(bytes[148..<156])
    }

    /// Lists an archive.
    ///
    /// - Parameters:
    ///   - bytes: The archive, decompressed.
    ///   - path: What errors call it.
    /// - Throws: `DataError` if the archive is damaged or cut short.
    init(_ bytes: [UInt8], path: String) throws(DataError) {
        func damaged(_ reason: String) -> DataError {
            .unreadable(path: path, reason: "damaged tar archive: \(reason)")
        }
        var (entries, offset): ([Entry], Int) = ([], 0)
        var (nextName, nextSize): (String?, Int?) = (nil, nil)
        // Some writers leave the blocks of zeros at the end out.
        while offset != bytes.count {
            guard offset + Self.block <= bytes.count else {
                throw damaged("the file ends too early")
            }
            let header = bytes[offset..<offset + Self.block]
            if header.allSatisfy({ $0 == 0 }) { break }
            guard Self.checksum(header) == Self.octal(header.dropFirst(148).prefix(8)) else {
                throw damaged("the header at byte \(offset) has a wrong checksum")
            }
            let start = offset + Self.block
            guard let size = nextSize ?? Self.number(header.dropFirst(124).prefix(12)), size >= 0,
                size <= bytes.count - start
            else { throw damaged("the file ends too early") }
            let content = bytes[start..<start + size]
            switch header[offset + 156] {
            case UInt8(ascii: "L"):
                nextName = Self.text(content)
            case UInt8(ascii: "x"):
                let fields = Self.extensions(content)
                nextName = fields["path"] ?? nextName
                nextSize = fields["size"].flatMap { Int($0) } ?? nextSize
            case UInt8(ascii: "0"), 0:
                let name = nextName ?? Self.name(header)
                entries.append(Entry(name: name, range: start..<start + size))
                (nextName, nextSize) = (nil, nil)
            case UInt8(ascii: "g"):
                break
            default:
                (nextName, nextSize) = (nil, nil)
            }
            offset = start + (size + Self.block - 1) / Self.block * Self.block
        }
        self.entries = entries
    }

    private static func name(_ header: ArraySlice<UInt8>) -> String {
        let name = text(header.prefix(100))
        guard header.dropFirst(257).starts(with: "ustar".utf8) else { return name }
        let prefix = text(header.dropFirst(345).prefix(155))
        // GNU's own variant keeps other things there.
        let isGNU = header.dropFirst(257).starts(with: "ustar  ".utf8)
        return prefix.isEmpty || isGNU ? name : prefix + "/" + name
    }

    /// The fields of a pax header: records of `length key=value`.
    private static func extensions(_ content: ArraySlice<UInt8>) -> [String: String] {
        var (fields, rest): ([String: String], ArraySlice<UInt8>) = ([:], content)
        while let space = rest.firstIndex(of: UInt8(ascii: " ")),
            let length = Int(text(rest[..<space])), length > space - rest.startIndex,
            length <= rest.count
        {
            let record = text(rest.prefix(length)[(space + 1)...].dropLast())
            let parts = record.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { fields[String(parts[0])] = String(parts[1]) }
            rest = rest.dropFirst(length)
        }
        return fields
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// A number in octal digits, or, with the top bit set, in base 256.
    private static func number(_ field: ArraySlice<UInt8>) -> Int? {
        guard let first = field.first, first & 0x80 != 0 else { return octal(field) }
        let low = field.suffix(7)
        guard field.dropFirst().dropLast(7).allSatisfy({ $0 == 0 }), first == 0x80 else {
            return nil
        }
        return low.reduce(0) { $0 << 8 | Int($1) }
    }

    private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
        let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
        return digits.isEmpty ? 0 : Int(String(decoding: digits, as: UTF8.self), radix: 8)
    }

    /// The sum of a header's bytes, with spaces in place of the sum itself.
    private static func checksum(_ header: ArraySlice<UInt8>) -> Int {
        let field = header.startIndex + 148..<header.startIndex + 156
        return header.indices.reduce(0) { $0 + (field.contains($1) ? 0x20 : Int(header[$1])) }
    }
}

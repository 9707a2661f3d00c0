/// Reads a whole file, which is decompressed if it begins as gzip does.
///
/// - Parameters:
///   - path: The file.
///   - limit: The most bytes that may come out, so that a small file cannot fill the memory.
/// - Returns: The file's bytes, or what they hold compressed.
/// - Throws: ``DataError`` if the file cannot be read, is damaged or holds more.
package func contents(ofFile path: String, limit: Int = 1 << 34) throws(DataError) -> [UInt8] {
    let piece = 1 << 20
    var source: any ByteSource = try FileSource(path: path)
    var bytes = try source.read(piece)
    if bytes.starts(with: GzipSource.magic) {
        source = try GzipSource(source, head: bytes, path: path)
        bytes = []
    }
    while true {
        let more = try source.read(piece)
        if more.isEmpty { return bytes }
        bytes += more
        guard bytes.count <= limit else {
            throw .unreadable(path: path, reason: "it holds more than \(limit) bytes")
        }
    }
}

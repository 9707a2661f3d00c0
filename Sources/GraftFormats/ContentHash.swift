internal import Crypto
internal import Foundation
internal import Synchronization

/// The SHA-256 identity of weights or of a file, which names them in bundles and in cache keys.
///
/// The hash of a checkpoint depends on its tensors only, not on how they are split into files, on
/// their order in them or on metadata. It is the SHA-256 of these bytes (integers are 64-bit
/// little-endian, strings are UTF-8 after their length in bytes):
///
/// 1. the string `graft-weights-1`, then the number of tensors;
/// 2. for each tensor in the byte order of the names: the name; the element type as the format
///    spells it (`F32`); the number of dimensions and each of them; the 32 bytes of the SHA-256 of
///    the data.
///
/// The data of the tensors are hashed on all cores at once, since that is where the time goes.
public struct ContentHash: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The 64 hexadecimal digits, in lower case.
    public let hexadecimal: String

    public var description: String { hexadecimal }

    /// Takes over a hash that was stored, or returns `nil` if `text` is not one.
    ///
    /// - Parameter text: 64 hexadecimal digits in lower case.
    public init?(hexadecimal text: String) {
        let digits = text.utf8
        guard
            digits.count == 64,
            digits.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        hexadecimal = text
    }

    /// Decodes the digits as a string.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let hash = ContentHash(hexadecimal: try container.decode(String.self)) else {
            let problem = "expected 64 hexadecimal digits in lower case"
            throw DecodingError.dataCorruptedError(in: container, debugDescription: problem)
        }
        self = hash
    }

    /// Encodes the digits as a string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hexadecimal)
    }

    private init(_ digest: SHA256.Digest) {
        hexadecimal = digest.map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }

    /// Hashes bytes in memory.
    ///
    /// - Parameter bytes: Any bytes.
    public init(of bytes: some Sequence<UInt8>) {
        self.init(SHA256.hash(data: Array(bytes)))
    }

    /// Hashes the contents of a file, or takes the hash from the cache if the file is unchanged.
    ///
    /// - Parameters:
    ///   - path: A regular file.
    ///   - cache: Where hashes of unchanged files are found; `nil` reads the file in any case.
    /// - Throws: ``FileError`` if the file cannot be read.
    public init(ofFile path: String, cache: HashCache? = .standard) throws(FileError) {
        let file = try MappedFile(path: path)
        self = HashCache.value(cache, kind: "file", of: [file]) {
            ContentHash(ContentHash.digest(of: file, in: 0..<file.byteCount))
        }
    }

    /// Hashes the contents of files that belong together, in their order.
    ///
    /// The hash of one file is that of its contents, of several that of their hashes.
    ///
    /// - Parameters:
    ///   - paths: Regular files, at least one.
    ///   - cache: Where hashes of unchanged files are found; `nil` reads the files in any case.
    /// - Throws: ``FileError`` if a file cannot be read.
    public init(ofFiles paths: [String], cache: HashCache? = .standard) throws(FileError) {
        precondition(!paths.isEmpty, "there is no hash of no files")
        var hashes: [ContentHash] = []
        for path in paths { hashes.append(try ContentHash(ofFile: path, cache: cache)) }
        self =
            hashes.count == 1 ? hashes[0] : ContentHash(of: hashes.flatMap { $0.hexadecimal.utf8 })
    }

    /// Hashes the tensors of a checkpoint, or takes the hash from the cache if its files are
    /// unchanged.
    ///
    /// - Parameters:
    ///   - checkpoint: The weights.
    ///   - cache: Where hashes of unchanged files are found; `nil` reads the files in any case.
    public init(of checkpoint: Checkpoint, cache: HashCache? = .standard) {
        let files = checkpoint.files.map(\.mapping)
        self = HashCache.value(cache, kind: "weights-1", of: files) {
            ContentHash(of: checkpoint.tensors)
        }
    }

    /// Hashes tensors, whatever their order, as those of a checkpoint.
    ///
    /// - Parameter tensors: Tensors with different names.
    public init(of tensors: [StoredTensor]) {
        let sorted = tensors.sorted { ExactName($0.entry.name) < ExactName($1.entry.name) }
        let digests = ContentHash.digests(of: sorted)
        var hash = SHA256()
        hash.update(string: "graft-weights-1")
        hash.update(integer: sorted.count)
        for (tensor, digest) in zip(sorted, digests) {
            hash.update(string: tensor.entry.name)
            hash.update(string: tensor.entry.elementType.rawValue)
            hash.update(integer: tensor.entry.shape.count)
            for dimension in tensor.entry.shape { hash.update(integer: dimension) }
            hash.update(data: digest)
        }
        self.init(hash.finalize())
    }

    /// Returns the hash of the data of each tensor; the largest are begun first.
    private static func digests(of tensors: [StoredTensor]) -> [[UInt8]] {
        let largestFirst = tensors.indices.sorted {
            tensors[$0].entry.byteRange.count > tensors[$1].entry.byteRange.count
        }
        let results = Mutex([[UInt8]](repeating: [], count: tensors.count))
        DispatchQueue.concurrentPerform(iterations: tensors.count) { turn in
            let index = largestFirst[turn]
            let tensor = tensors[index]
            let digest = Array(digest(of: tensor.mapping, in: tensor.entry.byteRange))
            results.withLock { $0[index] = digest }
        }
        return results.withLock(\.self)
    }

    /// Hashes a part of a file and gives its pages back, piece by piece, so that a large file never
    /// fills the memory.
    private static func digest(of file: MappedFile, in range: Range<Int>) -> SHA256.Digest {
        var hash = SHA256()
        for start in stride(from: range.lowerBound, to: range.upperBound, by: pieceSize) {
            let piece = start..<min(start + pieceSize, range.upperBound)
            unsafe file.withUnsafeBytes(in: piece) { bytes in
                unsafe hash.update(bufferPointer: bytes)
            }
            if piece.count == pieceSize { file.advise(.dontNeed, in: piece) }
        }
        return hash.finalize()
    }

    private static let pieceSize = 8 << 20
}

extension SHA256 {
    fileprivate mutating func update(integer: Int) {
        update(data: (0..<8).map { UInt8(truncatingIfNeeded: integer >> ($0 * 8)) })
    }

    fileprivate mutating func update(string: String) {
        update(integer: string.utf8.count)
        update(data: Array(string.utf8))
    }
}

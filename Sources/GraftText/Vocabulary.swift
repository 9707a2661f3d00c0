/// The tokens of a model by id, and their ids by spelling.
///
/// Spellings are kept as bytes in one buffer; strings are made only for those who ask. Ids may have
/// gaps, as in vocabularies from which tokens were taken.
struct Vocabulary: Sendable {
    /// A spelling that a vocabulary cannot take.
    enum Conflict: Error, Hashable {
        case duplicateToken(id: Int32)
        case duplicateID(token: String)
        case idOutOfRange
    }

    /// Ids are bounded, so that a damaged file cannot ask for gigabytes.
    static let idLimit = 1 << 24

    private(set) var trie: ByteTrie
    private(set) var count = 0
    private var bytes: [UInt8] = []
    private var ranges: [Range<Int>?] = []

    /// Creates an empty vocabulary.
    ///
    /// - Parameter capacity: The expected number of tokens.
    init(capacity: Int = 0) {
        trie = ByteTrie(capacity: capacity * 3)
        ranges.reserveCapacity(capacity)
        bytes.reserveCapacity(capacity * 8)
    }

    /// One above the greatest id.
    var idBound: Int { ranges.count }

    /// Adds a token.
    ///
    /// - Throws: A ``Conflict`` if the spelling or the id is taken, or the id negative or too large.
    mutating func add(_ token: some Collection<UInt8>, id: Int) throws(Conflict) {
        guard (0..<Self.idLimit).contains(id) else { throw .idOutOfRange }
        while ranges.count <= id { ranges.append(nil) }
        if ranges[id] != nil { throw .duplicateID(token: self.token(of: Int32(id)) ?? "") }
        if let other = trie.insert(token, value: Int32(id)) { throw .duplicateToken(id: other) }
        let start = bytes.count
        bytes.append(contentsOf: token)
        ranges[id] = start..<bytes.count
        count += 1
    }

    func id(of token: String) -> Int32? { trie.value(of: token.utf8) }

    func token(of id: Int32) -> String? {
        guard let range = range(of: id) else { return nil }
        return String(decoding: bytes[range], as: UTF8.self)
    }

    /// The spelling of a token; empty if no token has this id.
    func bytes(of id: Int32) -> ArraySlice<UInt8> {
        bytes[range(of: id) ?? 0..<0]
    }

    private func range(of id: Int32) -> Range<Int>? {
        ranges.indices.contains(Int(id)) ? ranges[Int(id)] : nil
    }
}

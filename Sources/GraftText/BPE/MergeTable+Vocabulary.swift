extension MergeTable {
    /// A merge that names a token which the vocabulary does not have.
    struct Conflict: Error, Hashable {
        let token: String

        func problem(in vocabulary: String) -> String {
            "the merge needs \(token), which is not in \(vocabulary)"
        }
    }

    /// Adds the merge of two tokens, given by their spelling.
    ///
    /// - Parameters:
    ///   - left: The left token.
    ///   - right: The right token.
    ///   - rank: When the merge is done.
    ///   - vocabulary: The vocabulary, which has both tokens and the outcome.
    ///   - prefixLength: How many bytes at the start of `right` the outcome does not have.
    /// - Throws: A ``Conflict`` naming the token that is missing.
    mutating func add(
        _ left: ArraySlice<UInt8>,
        _ right: ArraySlice<UInt8>,
        rank: UInt32,
        _ vocabulary: Vocabulary,
        prefixLength: Int = 0
    ) throws(Conflict) {
        func id(_ token: ArraySlice<UInt8>) throws(Conflict) -> Int32 {
            if let id = vocabulary.trie.value(of: token) { return id }
            throw Conflict(token: String(decoding: token, as: UTF8.self))
        }
        let outcome = try id(left + right.dropFirst(prefixLength))
        add(try id(left), try id(right), Merge(rank: rank, id: outcome))
    }
}

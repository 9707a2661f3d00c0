extension Vocabulary {
    /// Reads an object that maps tokens to ids.
    init(_ field: JSONField) throws(TokenizerError) {
        let entries = try field.integers()
        guard !entries.isEmpty else { throw field.invalid("has no tokens") }
        self.init(capacity: entries.count)
        for (token, id) in entries { try add(token, id: id, from: field) }
    }

    /// Adds a token that a file names.
    ///
    /// - Throws: ``TokenizerError`` naming the field if the token or the id is taken.
    mutating func add(_ token: String, id: Int, from field: JSONField) throws(TokenizerError) {
        do throws(Conflict) {
            try add(token.utf8, id: id)
        } catch {
            switch error {
            case .duplicateToken: throw field.invalid("token \(token) appears twice")
            case .duplicateID(let other):
                throw field.invalid("tokens \(other) and \(token) both have id \(id)")
            case .idOutOfRange:
                throw field.invalid("id \(id) of token \(token) is out of range")
            }
        }
    }
}

/// The tokens that are found in text as they stand, on top of a model's own vocabulary.
struct AddedVocabulary: Sendable {
    /// Finds tokens in the text as it was given.
    let literal: AddedTokenMatcher

    /// Finds tokens in normalized text.
    let normalized: AddedTokenMatcher

    private let tokens: [Int32: AddedToken]
    private let ids: ByteTrie

    /// Creates the vocabulary.
    ///
    /// - Parameters:
    ///   - tokens: The tokens, each spelt differently.
    ///   - normalize: How the spelling of a token that is looked for in normalized text is normalized.
    init(_ tokens: [AddedToken], normalize: ([UInt8]) -> [UInt8]) {
        var ids = ByteTrie()
        var (literal, normalized) = (AddedTokenMatcher(), AddedTokenMatcher())
        for token in tokens {
            ids.insert(token.content.utf8, value: token.id)
            if token.isNormalized {
                normalized.add(token, as: normalize(Array(token.content.utf8)))
            } else {
                literal.add(token, as: token.content.utf8)
            }
        }
        self.tokens = Dictionary(tokens.map { ($0.id, $0) }) { _, last in last }
        (self.ids, self.literal, self.normalized) = (ids, literal, normalized)
    }

    /// The number of distinct tokens, together with those of a model.
    func count(with vocabulary: Vocabulary) -> Int {
        vocabulary.count + tokens.keys.count { vocabulary.token(of: $0) == nil }
    }

    func id(of token: String) -> Int32? { ids.value(of: token.utf8) }

    func token(of id: Int32) -> String? { tokens[id]?.content }

    /// Whether decoding may leave a token out.
    func isSpecial(_ id: Int32) -> Bool { tokens[id]?.isSpecial ?? false }
}

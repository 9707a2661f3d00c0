extension TokenizerFile {
    /// Reads a tokenizer whose model is Unigram.
    func unigramTokenizer() throws(TokenizerError) -> SubwordTokenizer {
        let (preTokenizers, isByteLevel) = try preTokenizers()
        guard !isByteLevel else {
            throw try root.member("pre_tokenizer").unsupported(
                "ByteLevel before a Unigram model",
                supported: ["Metaspace"]
            )
        }
        let model = try Unigram(try root.member("model"))
        return try tokenizer(model, preTokenizers: preTokenizers, decoder: try decoder())
    }
}

extension Unigram {
    /// Reads a `model` section.
    fileprivate init(_ section: JSONField) throws(TokenizerError) {
        _ = try section.members(allowed: ["type", "unk_id", "vocab", "byte_fallback"])
        let field = try section.member("vocab")
        let count = try field.elementCount()
        var vocabulary = Vocabulary(capacity: count)
        var scores: [Double?] = []
        scores.reserveCapacity(count)
        try field.forEachElement { (entry) throws(TokenizerError) in
            guard case .array(let parts) = entry.value, parts.count == 2,
                case .string(let token) = parts[0], let score = parts[1].double
            else { throw entry.invalid("expected a token and its score") }
            try vocabulary.add(token, id: scores.count, from: entry)
            scores.append(score)
        }
        let unknown = try section.member("unk_id")
        let unknownID = try unknown.id()
        guard unknownID < count else { throw unknown.invalid("is not the id of a token") }
        let fallback = try section.member("byte_fallback")
        self.init(
            vocabulary: vocabulary,
            scores: scores,
            unknownID: unknownID,
            lowestScore: scores.compactMap(\.self).min() ?? 0,
            fallsBackToBytes: fallback.isNull ? false : try fallback.bool(),
            arithmetic: .double
        )
    }
}

extension JSONTree {
    /// The value of a number.
    fileprivate var double: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .number(let number): number
        default: nil
        }
    }
}

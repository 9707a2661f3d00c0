extension TokenizerFile {
    /// Reads a tokenizer whose model is BPE.
    func bytePairTokenizer() throws(TokenizerError) -> SubwordTokenizer {
        let (preTokenizers, isByteLevel) = try preTokenizers()
        let section = try root.member("model")
        let model = try BytePairEncoding(section, alphabet: isByteLevel ? .bytes : .characters)
        var decoder = try decoder()
        let suffix = model.options.endOfWordSuffix
        if !suffix.isEmpty, isByteLevel, let chain = decoder {
            decoder = DecoderChain(steps: chain.steps + [ClipDecoder(suffix: suffix)])
        }
        return try tokenizer(model, preTokenizers: preTokenizers, decoder: decoder)
    }

    /// Puts a tokenizer together around a model.
    func tokenizer(
        _ model: any SubwordModel,
        preTokenizers: [any PreTokenizer],
        decoder: DecoderChain?
    ) throws(TokenizerError) -> SubwordTokenizer {
        let processing = try postProcessing()
        return SubwordTokenizer(
            SubwordTokenizer.Steps(
                normalizers: try normalizers(),
                preTokenizers: preTokenizers,
                model: model,
                template: processing.template,
                trimming: processing.trimming,
                decoder: decoder
            ),
            addedTokens: try addedTokens(model.vocabulary)
        )
    }
}

extension BytePairEncoding {
    /// Reads a `model` section.
    fileprivate init(_ section: JSONField, alphabet: Alphabet) throws(TokenizerError) {
        _ = try section.members(allowed: [
            "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
            "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges",
        ])
        let dropout = try section.member("dropout")
        guard [.null, .integer(0), .number(0)].contains(dropout.value) else {
            throw dropout.unsupported("merging at random", supported: ["null"])
        }
        func flag(_ name: String) throws(TokenizerError) -> Bool {
            let field = try section.member(name)
            return field.isNull ? false : try field.bool()
        }
        func affix(_ name: String) throws(TokenizerError) -> [UInt8] {
            let field = try section.member(name)
            return field.isNull ? [] : Array(try field.string().utf8)
        }
        let vocabulary = try Vocabulary(try section.member("vocab"))
        var options = Options()
        options.alphabet = alphabet
        options.fusesUnknown = try flag("fuse_unk")
        options.fallsBackToBytes = try flag("byte_fallback")
        options.ignoresMerges = try flag("ignore_merges")
        options.continuingPrefix = try affix("continuing_subword_prefix")
        options.endOfWordSuffix = try affix("end_of_word_suffix")
        let unknown = try section.member("unk_token")
        if !unknown.isNull {
            guard let id = vocabulary.id(of: try unknown.string()) else {
                throw unknown.invalid("\(try unknown.string()) is not in model.vocab")
            }
            options.unknownID = id
        }
        let field = try section.member("merges")
        var merges = MergeTable(capacity: try field.elementCount())
        var rank: UInt32 = 0
        try field.forEachElement { (merge) throws(TokenizerError) in
            let (left, right) = try Self.pair(merge)
            do throws(MergeTable.Conflict) {
                try merges.add(
                    left[...],
                    right[...],
                    rank: rank,
                    vocabulary,
                    prefixLength: options.continuingPrefix.count
                )
            } catch {
                throw merge.invalid(error.problem(in: "model.vocab"))
            }
            rank += 1
        }
        self.init(vocabulary: vocabulary, merges: merges, options: options)
    }

    /// The two tokens of a merge: an array of both, or both with a space between.
    private static func pair(
        _ field: JSONField
    ) throws(TokenizerError) -> (left: [UInt8], right: [UInt8]) {
        if case .array(let parts) = field.value {
            guard parts.count == 2, case .string(let left) = parts[0],
                case .string(let right) = parts[1]
            else { throw field.invalid("expected two tokens") }
            return (Array(left.utf8), Array(right.utf8))
        }
        let parts = Array(try field.string().utf8).split(
            separator: 0x20,
            omittingEmptySubsequences: false
        )
        guard parts.count == 2 else {
            throw field.invalid("expected two tokens with a space between")
        }
        return (Array(parts[0]), Array(parts[1]))
    }
}

/// A folder with a SentencePiece model, by the rules of its tokenizer class.
///
/// A folder that names no class is read as SentencePiece itself reads the file, without special tokens around a text.
///
/// Reference: the converters of `T5Tokenizer`, `AlbertTokenizer`, `XLMRobertaTokenizer` and `LlamaTokenizer` in
/// `convert_slow_tokenizer.py` of `transformers` 4.57.
struct SentencePieceFolder {
    private typealias Maker =
        @Sendable (SentencePieceFolder) throws(TokenizerError) -> SubwordTokenizer

    private static let classes: [(name: String, make: Maker)] = [
        ("T5Tokenizer", { folder throws(TokenizerError) in try folder.t5() }),
        ("AlbertTokenizer", { folder throws(TokenizerError) in try folder.albert() }),
        ("XLMRobertaTokenizer", { folder throws(TokenizerError) in try folder.xlmRoberta() }),
        ("LlamaTokenizer", { folder throws(TokenizerError) in try folder.llama() }),
    ]

    private let model: SentencePieceModel
    private let settings: TokenizerSettings

    init(
        _ folder: ModelFolder,
        name: String,
        _ settings: TokenizerSettings
    ) throws(TokenizerError) {
        model = try SentencePieceModel(try folder.bytes(name), path: folder.path(of: name))
        self.settings = settings
    }

    func tokenizer() throws(TokenizerError) -> SubwordTokenizer {
        guard let type = try settings.className() else { return try plain() }
        guard let known = Self.classes.first(where: { $0.name == type.name }) else {
            throw type.field.unsupported(type.name, supported: Self.classes.map(\.name))
        }
        return try known.make(self)
    }

    /// The tokenizer that SentencePiece itself is.
    private func plain() throws(TokenizerError) -> SubwordTokenizer {
        let steps: SubwordTokenizer.Steps
        switch model.algorithm {
        case .unigram: steps = .init(model: try model.unigram())
        case .bytePair: steps = .init(model: try model.bytePairs())
        case let other:
            throw model.unsupported("model type", "\(other)", ["unigram", "bytePair"])
        }
        return try SubwordTokenizer(
            normalizing(steps),
            addedTokens: settings.added([], steps.model.vocabulary)
        )
    }

    private func normalizing(
        _ steps: SubwordTokenizer.Steps
    ) throws(TokenizerError) -> SubwordTokenizer.Steps {
        var steps = steps
        steps.normalizers = [
            SentencePieceNormalizer(
                map: try characterMap(),
                userDefined: model.userDefined,
                addsDummyPrefix: model.addsDummyPrefix,
                removesExtraWhitespace: model.removesExtraWhitespace,
                escapesWhitespace: model.escapesWhitespace,
                treatsWhitespaceAsSuffix: model.treatsWhitespaceAsSuffix
            )
        ]
        let control = model.entries.filter { $0.kind == .control }.map(\.spelling)
        steps.decoder = DecoderChain(steps: [
            SentencePieceDecoder(
                control: Set(control),
                unknown: model.entries[model.unknownID].spelling,
                unknownSurface: model.unknownSurface,
                joinsBytes: model.fallsBackToBytes,
                addsDummyPrefix: model.addsDummyPrefix,
                removesExtraWhitespace: model.removesExtraWhitespace
            )
        ])
        return steps
    }

    private func t5() throws(TokenizerError) -> SubwordTokenizer {
        let extra = try settings.count("extra_ids") ?? 100
        let sentinels = (0..<extra).reversed().map { "<extra_id_\($0)>" }
        let tokens = model.scored + sentinels.map { (Array($0.utf8), 0) }
        let unigram = try model.unigram(tokens, unknownID: Int32(model.unknownID))
        var steps = try metaspaced(unigram, replacingSpacesBy: SentencePieceNormalizer.space)
        let end = try id("eos_token", "</s>", unigram.vocabulary)
        steps.template = SequenceTemplate(
            single: [.first(typeID: 0), .special(ids: [end], typeID: 0)],
            pair: [
                .first(typeID: 0), .special(ids: [end], typeID: 0),
                .second(typeID: 0), .special(ids: [end], typeID: 0),
            ]
        )
        let specials =
            try ["pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"]
            .map(special) + sentinels
        return try tokenizer(steps, specials: specials)
    }

    private func albert() throws(TokenizerError) -> SubwordTokenizer {
        // "9," is to be cut in two, which a lower score sees to.
        let tokens = model.entries.map { entry -> SentencePieceModel.Scored in
            (entry.spelling, entry.endsInDigitAndComma ? entry.score - 100 : entry.score)
        }
        let unigram = try model.unigram(tokens, unknownID: Int32(model.unknownID))
        var steps = try metaspaced(unigram, replacingSpacesBy: [0x20])
        var normalizers: [any TextNormalizer] = ["``", "''"].map {
            Replace(pattern: .text(Array($0.utf8)), content: [0x22])
        }
        if try !(settings.flag("keep_accents") ?? false) {
            normalizers += [NormalizationForm.nfkd, StripAccents()]
        }
        if try settings.flag("do_lower_case") ?? true { normalizers.append(Lowercase()) }
        // White space at the end is left, unlike in the other classes.
        steps.normalizers = normalizers + steps.normalizers.filter { !($0 is Strip) }
        steps.template = .bert(
            cls: try id("cls_token", "[CLS]", unigram.vocabulary),
            sep: try id("sep_token", "[SEP]", unigram.vocabulary)
        )
        let specials = try [
            "pad_token": "<pad>", "unk_token": "<unk>", "cls_token": "[CLS]", "sep_token": "[SEP]",
        ].map(special)
        return try tokenizer(steps, specials: specials, mask: "[MASK]")
    }

    private func xlmRoberta() throws(TokenizerError) -> SubwordTokenizer {
        // The model's own first three pieces give way to four of fairseq.
        let first = ["<s>", "<pad>", "</s>", "<unk>"]
        let tokens: [SentencePieceModel.Scored] =
            first.map { (Array($0.utf8), 0) } + model.scored.dropFirst(3)
            + [(Array("<mask>".utf8), 0)]
        let unigram = try model.unigram(tokens, unknownID: 3)
        var steps = try metaspaced(unigram, replacingSpacesBy: SentencePieceNormalizer.space)
        steps.template = .roberta(cls: 0, sep: 2)
        return try tokenizer(steps, specials: first, mask: "<mask>")
    }

    private func llama() throws(TokenizerError) -> SubwordTokenizer {
        let scored = model.entries.enumerated().map { id, entry -> SentencePieceModel.Scored in
            (entry.spelling, id < 3 ? 0 : entry.score)
        }
        let space = SentencePieceNormalizer.space
        let bytePairs = try model.bytePairs(scored, unknownID: 0)
        let isLegacy = try settings.flag("legacy") ?? true
        let addsPrefix = try settings.flag("add_prefix_space") ?? true
        var steps = SubwordTokenizer.Steps(model: bytePairs)
        if isLegacy {
            steps.normalizers =
                (addsPrefix ? [Prepend(prefix: space)] : [])
                + [Replace(pattern: .text([0x20]), content: space)]
        } else {
            let scheme: Metaspace.Scheme = addsPrefix ? .first : .never
            steps.preTokenizers = [Metaspace(replacement: space, scheme: scheme, splits: false)]
        }
        steps.decoder = DecoderChain(
            steps: [
                ReplaceDecoder(pattern: space, content: [0x20]), ByteFallbackDecoder(),
                FuseDecoder(),
            ] + (addsPrefix ? [StripDecoder(content: [0x20], start: 1, stop: 0)] : [])
        )
        func id(_ flag: String, default isOn: Bool, _ field: String, _ token: String)
            throws(TokenizerError) -> Int32?
        {
            guard try settings.flag(flag) ?? isOn else { return nil }
            return try self.id(field, token, bytePairs.vocabulary)
        }
        steps.template = .surrounding(
            start: try id("add_bos_token", default: true, "bos_token", "<s>"),
            end: try id("add_eos_token", default: false, "eos_token", "</s>")
        )
        let specials = try ["unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"]
            .map(special)
        return try tokenizer(steps, specials: specials)
    }

    /// The steps that Unigram classes share.
    private func metaspaced(
        _ unigram: Unigram,
        replacingSpacesBy content: [UInt8]
    ) throws(TokenizerError) -> SubwordTokenizer.Steps {
        let space = SentencePieceNormalizer.space
        let isLegacy = try settings.flag("legacy") ?? true
        let addsPrefix = try settings.flag("add_prefix_space") ?? true
        let scheme: Metaspace.Scheme = !addsPrefix ? .never : isLegacy ? .always : .first
        var steps = SubwordTokenizer.Steps(model: unigram)
        steps.normalizers =
            (try characterMap().map { [PrecompiledNormalizer(map: $0)] } ?? [])
            + [Strip(left: false, right: true), Replace(pattern: .spaces, content: content)]
        steps.preTokenizers = [Metaspace(replacement: space, scheme: scheme, splits: true)]
        steps.decoder = DecoderChain(
            steps: [MetaspaceDecoder(replacement: space, prepends: scheme != .never)]
        )
        return steps
    }

    /// Adds the control and user-defined pieces of the model and the special tokens of the class.
    private func tokenizer(
        _ steps: SubwordTokenizer.Steps,
        specials: [String],
        mask: String? = nil
    ) throws(TokenizerError) -> SubwordTokenizer {
        let vocabulary = steps.model.vocabulary
        var tokens: [AddedToken] = []
        for entry in model.entries where entry.kind == .control || entry.kind == .userDefined {
            guard let id = vocabulary.id(of: entry.text) else { continue }
            tokens.append(
                AddedToken(id: id, content: entry.text, isSpecial: entry.kind == .control)
            )
        }
        let mask = try mask.map { (token) throws(TokenizerError) in
            try settings.token("mask_token") ?? token
        }
        for name in specials + [mask].compactMap(\.self) {
            guard let id = vocabulary.id(of: name) else { continue }
            tokens.removeAll { $0.id == id }
            tokens.append(AddedToken(id: id, content: name, stripsLeft: name == mask))
        }
        return SubwordTokenizer(steps, addedTokens: try settings.added(tokens, vocabulary))
    }

    private func characterMap() throws(TokenizerError) -> CharacterMap? {
        guard !model.characterMap.isEmpty else { return nil }
        do throws(CharacterMap.Failure) {
            return try CharacterMap(model.characterMap)
        } catch {
            throw model.invalid(error.problem)
        }
    }

    private func special(_ field: String, _ token: String) throws(TokenizerError) -> String {
        try settings.token(field) ?? token
    }

    private func id(
        _ field: String,
        _ token: String,
        _ vocabulary: Vocabulary
    ) throws(TokenizerError) -> Int32 {
        let content = try special(field, token)
        if let id = vocabulary.id(of: content) { return id }
        throw model.invalid(
            "has no \(content) (hint: name the \(field) in tokenizer_config.json)"
        )
    }
}

extension SentencePieceModel.Entry {
    /// Whether the last two characters are a digit and a comma.
    fileprivate var endsInDigitAndComma: Bool {
        let last = text.unicodeScalars.suffix(2)
        guard last.count == 2, last.last == ",", let digit = last.first else { return false }
        let type = digit.properties.numericType
        return type == .decimal || type == .digit
    }
}

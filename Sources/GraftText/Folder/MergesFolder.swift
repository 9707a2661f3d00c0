/// A folder with `vocab.json` and `merges.txt`: byte-level BPE by the rules of its tokenizer class.
///
/// Reference: the converters of `GPT2Tokenizer`, `RobertaTokenizer`, `CLIPTokenizer` and `Qwen2Tokenizer` in
/// `convert_slow_tokenizer.py` of `transformers` 4.57.
struct MergesFolder {
    private enum Kind {
        case gpt2, roberta, clip, qwen2
    }

    private static let kinds: [(name: String, kind: Kind)] = [
        ("GPT2Tokenizer", .gpt2), ("RobertaTokenizer", .roberta), ("BartTokenizer", .roberta),
        ("LongformerTokenizer", .roberta), ("CLIPTokenizer", .clip), ("Qwen2Tokenizer", .qwen2),
    ]

    private let folder: ModelFolder
    private let settings: TokenizerSettings
    private let kind: Kind
    private let vocabulary: Vocabulary

    init(_ folder: ModelFolder, _ settings: TokenizerSettings) throws(TokenizerError) {
        let type = try settings.className()
        if let type {
            guard let known = Self.kinds.first(where: { $0.name == type.name }) else {
                throw type.field.unsupported(type.name, supported: Self.kinds.map(\.name))
            }
            kind = known.kind
        } else {
            kind = .gpt2
        }
        self.folder = folder
        self.settings = settings
        vocabulary = try Vocabulary(try folder.json("vocab.json"))
    }

    func tokenizer() throws(TokenizerError) -> SubwordTokenizer {
        var options = BytePairEncoding.Options()
        if kind == .clip {
            options.endOfWordSuffix = Array("</w>".utf8)
            options.unknownID = try id("unk_token", default: "<|endoftext|>")
        }
        var steps = SubwordTokenizer.Steps(
            model: BytePairEncoding(vocabulary: vocabulary, merges: try merges(), options: options)
        )
        steps.decoder = DecoderChain(steps: [ByteLevelDecoder()])
        let addsPrefix = try settings.flag("add_prefix_space") ?? false
        let prefix: [any PreTokenizer] = addsPrefix ? [ByteLevelPrefix()] : []
        switch kind {
        case .gpt2:
            steps.preTokenizers = prefix + [PatternSplit(pattern: .gpt2)]
            if try settings.flag("add_bos_token") ?? false {
                let start = try id("bos_token", default: "<|endoftext|>")
                steps.template = .starting(with: start)
            }
        case .roberta:
            steps.preTokenizers = prefix + [PatternSplit(pattern: .gpt2)]
            steps.template = .roberta(
                cls: try id("cls_token", default: "<s>"),
                sep: try id("sep_token", default: "</s>")
            )
            steps.trimming = OffsetTrimming(addsPrefixSpace: addsPrefix)
        case .clip:
            steps.normalizers = [
                NormalizationForm.nfc, Replace(pattern: .whitespace, content: [0x20]), Lowercase(),
            ]
            steps.preTokenizers = [PatternSplit(pattern: .clip), PatternSplit(pattern: .gpt2)]
            steps.template = .roberta(
                cls: try id("bos_token", default: "<|startoftext|>"),
                sep: try id("eos_token", default: "<|endoftext|>")
            )
            steps.decoder?.steps.append(ClipDecoder(suffix: options.endOfWordSuffix))
        case .qwen2:
            steps.normalizers = [NormalizationForm.nfc]
            steps.preTokenizers = [PatternSplit(pattern: .oneDigit)] + prefix
        }
        return SubwordTokenizer(steps, addedTokens: try settings.added(specials(), vocabulary))
    }

    /// The special tokens of the class that the vocabulary has.
    private func specials() throws(TokenizerError) -> [AddedToken] {
        let names: [(field: String, token: String)] =
            switch kind {
            case .gpt2, .qwen2: [("eos_token", "<|endoftext|>")]
            case .roberta:
                [
                    ("bos_token", "<s>"), ("pad_token", "<pad>"), ("eos_token", "</s>"),
                    ("unk_token", "<unk>"), ("mask_token", "<mask>"),
                ]
            case .clip: [("bos_token", "<|startoftext|>"), ("eos_token", "<|endoftext|>")]
            }
        var tokens: [AddedToken] = []
        for (field, name) in names {
            let content = try settings.token(field) ?? name
            guard let id = vocabulary.id(of: content) else { continue }
            let isMask = field == "mask_token"
            tokens.append(
                AddedToken(
                    id: id,
                    content: content,
                    isNormalized: !isMask && kind != .qwen2,
                    stripsLeft: isMask
                )
            )
        }
        return tokens
    }

    private func id(_ field: String, default token: String) throws(TokenizerError) -> Int32 {
        let content = try settings.token(field) ?? token
        if let id = vocabulary.id(of: content) { return id }
        throw .invalid(
            file: folder.path(of: "vocab.json"),
            field: "vocabulary",
            problem: "has no \(content) (hint: name the \(field) in tokenizer_config.json)"
        )
    }

    /// A merge on each line, after a line with the version.
    private func merges() throws(TokenizerError) -> MergeTable {
        let path = folder.path(of: "merges.txt")
        let lines = try folder.bytes("merges.txt").split(
            separator: UInt8(ascii: "\n"),
            omittingEmptySubsequences: false
        )
        var table = MergeTable(capacity: lines.count)
        var rank: UInt32 = 0
        for (index, line) in lines.enumerated() {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if line.isEmpty || index == 0 && line.starts(with: "#version".utf8) { continue }
            let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw .invalidLine(
                    file: path,
                    line: index + 1,
                    problem: "expected two tokens with a space between"
                )
            }
            do throws(MergeTable.Conflict) {
                try table.add(parts[0], parts[1], rank: rank, vocabulary)
            } catch {
                throw .invalidLine(
                    file: path,
                    line: index + 1,
                    problem: error.problem(in: "vocab.json")
                )
            }
            rank += 1
        }
        return table
    }
}

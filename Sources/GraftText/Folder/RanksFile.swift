internal import Foundation

/// A list of byte strings, each in base 64 with its rank behind it: the form of `tiktoken`.
///
/// Two neighbouring tokens merge if the list has both together; the rank of that is when. Special tokens are not in
/// the list, and the split pattern neither: they come with the model, which its size tells.
///
/// Reference: `load_tiktoken_bpe` and `openai_public.py` of `tiktoken`; `tokenizer.py` of Llama 3.
struct RanksFile {
    /// What a list does not say.
    private struct Family {
        /// The number of byte strings.
        let count: Int
        let pattern: SplitPattern
        /// Special tokens and their ids.
        let specials: [(String, Int32)]
        /// The token put before each text.
        let start: String?
    }

    private static let families = [
        Family(
            count: 100_256,
            pattern: .threeDigitsKeepingEnd,
            specials: [
                ("<|endoftext|>", 100_257), ("<|fim_prefix|>", 100_258),
                ("<|fim_middle|>", 100_259), ("<|fim_suffix|>", 100_260),
                ("<|endofprompt|>", 100_276),
            ],
            start: nil
        ),
        Family(
            count: 128_000,
            pattern: .threeDigits,
            specials: llamaSpecials,
            start: "<|begin_of_text|>"
        ),
    ]

    /// The 256 special tokens of Llama 3.
    private static let llamaSpecials: [(String, Int32)] = {
        let named: [Int32: String] = [
            0: "<|begin_of_text|>", 1: "<|end_of_text|>", 2: "<|reserved_special_token_0|>",
            3: "<|reserved_special_token_1|>", 4: "<|finetune_right_pad_id|>", 5: "<|step_id|>",
            6: "<|start_header_id|>", 7: "<|end_header_id|>", 8: "<|eom_id|>", 9: "<|eot_id|>",
            10: "<|python_tag|>", 11: "<|image|>",
        ]
        return (0..<256).map { index in
            (named[index] ?? "<|reserved_special_token_\(index - 10)|>", 128_000 + index)
        }
    }()

    private let path: String
    private let bytes: [UInt8]

    init(_ folder: ModelFolder, name: String) throws(TokenizerError) {
        path = folder.path(of: name)
        bytes = try folder.bytes(name)
    }

    /// Whether bytes begin a list: base 64, a space, a number.
    static func isList(_ start: some Collection<UInt8>) -> Bool {
        guard let line = start.split(separator: 0x0A, maxSplits: 1).first else { return false }
        return entry(line) != nil
    }

    func tokenizer(_ settings: TokenizerSettings) throws(TokenizerError) -> SubwordTokenizer {
        let tokens = try tokens()
        guard let family = Self.families.first(where: { $0.count == tokens.count }) else {
            throw .unsupported(
                file: path,
                field: "number of tokens",
                value: "\(tokens.count)",
                supported: ["100256 (cl100k_base)", "128000 (Llama 3)"]
            )
        }
        let vocabulary = try vocabulary(tokens)
        var options = BytePairEncoding.Options()
        options.ignoresMerges = true
        var steps = SubwordTokenizer.Steps(
            model: BytePairEncoding(
                vocabulary: vocabulary,
                merges: merges(tokens, vocabulary),
                options: options
            )
        )
        steps.preTokenizers = [PatternSplit(pattern: family.pattern)]
        steps.decoder = DecoderChain(steps: [ByteLevelDecoder()])
        if let start = family.start, let id = family.specials.first(where: { $0.0 == start })?.1 {
            steps.template = .starting(with: id)
        }
        let specials = family.specials.map { AddedToken(id: $0.1, content: $0.0) }
        return SubwordTokenizer(steps, addedTokens: try settings.added(specials, vocabulary))
    }

    private static func entry(_ line: some Collection<UInt8>) -> (token: [UInt8], rank: Int)? {
        let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 2, let token = Data(base64Encoded: Data(parts[0])), !token.isEmpty,
            let rank = Int(String(decoding: parts[1], as: UTF8.self)), rank >= 0
        else { return nil }
        return ([UInt8](token), rank)
    }

    private func tokens() throws(TokenizerError) -> [(token: [UInt8], rank: Int)] {
        var tokens: [(token: [UInt8], rank: Int)] = []
        for (index, line) in bytes.split(separator: 0x0A).enumerated() {
            guard let entry = Self.entry(line) else {
                throw .invalidLine(
                    file: path,
                    line: index + 1,
                    problem: "expected bytes in base 64 and a rank"
                )
            }
            tokens.append(entry)
        }
        return tokens
    }

    private func vocabulary(
        _ tokens: [(token: [UInt8], rank: Int)]
    ) throws(TokenizerError) -> Vocabulary {
        var vocabulary = Vocabulary(capacity: tokens.count)
        for (index, entry) in tokens.enumerated() {
            do throws(Vocabulary.Conflict) {
                try vocabulary.add(ByteAlphabet.spelling(of: entry.token), id: entry.rank)
            } catch {
                throw .invalidLine(
                    file: path,
                    line: index + 1,
                    problem: "the token or its rank is taken or out of range"
                )
            }
        }
        return vocabulary
    }

    /// Every way to put a token together from two others.
    private func merges(
        _ tokens: [(token: [UInt8], rank: Int)],
        _ vocabulary: Vocabulary
    ) -> MergeTable {
        var table = MergeTable(capacity: tokens.count * 3)
        let trie = vocabulary.trie
        for (token, rank) in tokens where token.count > 1 {
            let letters = token.map { ByteAlphabet.letters[Int($0)] }
            for cut in 1..<letters.count {
                guard let left = trie.value(of: letters[..<cut].joined()),
                    let right = trie.value(of: letters[cut...].joined())
                else { continue }
                let merge = MergeTable.Merge(
                    rank: UInt32(truncatingIfNeeded: rank),
                    id: Int32(truncatingIfNeeded: rank)
                )
                table.add(left, right, merge)
            }
        }
        return table
    }
}

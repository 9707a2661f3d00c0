import Foundation
import GraftText

/// Tokenizers whose vocabularies are among the shared data sets, each in the layout of a model folder.
enum SharedTokenizer: String, CaseIterable {
    case gpt2, roberta, qwen2, clip, llama2, t5, albert
    case xlmRoberta = "xlm_roberta"
    case llama3, cl100k
    case plainT5 = "plain_t5"
    case plainAlbert = "plain_albert"
    case plainLlama2 = "plain_llama2"
    case plainUnigram = "plain_unigram"
    case plainBPE = "plain_bpe"
    case plainFallback = "plain_fallback"
    case plainJa = "plain_ja"

    /// Files of the data sets, by their name in the folder.
    private var files: [String: String] {
        switch self {
        case .gpt2, .qwen2: ["vocab.json": "gpt2/vocab.json", "merges.txt": "gpt2/merges.txt"]
        case .roberta: ["vocab.json": "roberta_bart/vocab.json", "merges.txt": "gpt2/merges.txt"]
        case .clip: [:]
        case .llama2, .plainLlama2: ["tokenizer.model": "llama2/tokenizer.model"]
        case .t5, .plainT5: ["spiece.model": "t5/spiece.model"]
        case .albert, .plainAlbert: ["spiece.model": "albert/spiece.model"]
        case .xlmRoberta: ["sentencepiece.bpe.model": "t5/spiece.model"]
        case .llama3: ["tokenizer.model": "llama3/tokenizer.model"]
        case .cl100k: ["cl100k_base.tiktoken": "cl100k/cl100k_base.tiktoken"]
        case .plainUnigram: ["a.model": "small_spm/test_sentencepiece_unigram.model"]
        case .plainBPE: ["a.model": "small_spm/test_sentencepiece_bpe.model"]
        case .plainFallback: ["a.model": "small_spm/test_sentencepiece_with_bytefallback.model"]
        case .plainJa: ["a.model": "small_spm/test_model_ja.model"]
        }
    }

    private var className: String? {
        switch self {
        case .gpt2: "GPT2Tokenizer"
        case .roberta: "RobertaTokenizer"
        case .qwen2: "Qwen2Tokenizer"
        case .clip: "CLIPTokenizer"
        case .llama2: "LlamaTokenizer"
        case .t5: "T5Tokenizer"
        case .albert: "AlbertTokenizer"
        case .xlmRoberta: "XLMRobertaTokenizer"
        default: nil
        }
    }

    /// Whether ids are compared with special tokens around them: lists of ranks know none.
    var addsSpecialTokens: Bool { self != .llama3 }

    func load() throws -> any Tokenizer {
        let folder = try TemporaryFolder()
        let tokenizers = SharedData.folder.appending(path: "tokenizers")
        for (name, file) in files {
            try FileManager.default.createSymbolicLink(
                at: folder.url.appending(path: name),
                withDestinationURL: tokenizers.appending(path: file)
            )
        }
        if self == .clip { try writeClip(to: folder) }
        if let className {
            let settings = #"{"tokenizer_class": "\#(className)"}"#
            try folder.write(settings, to: "tokenizer_config.json")
        }
        return try TokenizerFolder(folder.url).load()
    }

    /// Writes vocab.json and merges.txt from the list of merges that CLIP's authors published; as in `subword.py`.
    private func writeClip(to folder: TemporaryFolder) throws {
        let list = SharedData.folder.appending(
            path: "tokenizers/clip/bpe_simple_vocab_16e6.txt.gz"
        )
        let text = String(decoding: try SharedData.decompressed(list), as: UTF8.self)
        let merges = text.split(separator: "\n", omittingEmptySubsequences: false)[1..<48895]
        let printable = [0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF, 0x100...0x143].joined()
        let letters = printable.compactMap { Unicode.Scalar($0).map(String.init) }
        let tokens =
            letters + letters.map { $0 + "</w>" }
            + merges.map { $0.replacingOccurrences(of: " ", with: "") }
            + ["<|startoftext|>", "<|endoftext|>"]
        let entries = try tokens.enumerated().map { id, token in
            String(decoding: try JSONEncoder().encode(token), as: UTF8.self) + ":\(id)"
        }
        try folder.write("{" + entries.joined(separator: ",") + "}", to: "vocab.json")
        try folder.write("#version: 0.2\n" + merges.joined(separator: "\n"), to: "merges.txt")
    }
}

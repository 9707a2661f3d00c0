"""Writes the fixtures of BPE and Unigram tokenizers: what the `tokenizers` package makes of difficult text.

Needs: tokenizers==0.22.2, sentencepiece==0.2.1 (other versions: the Unicode tables may differ, and the hashes
with them). Seed: 20261125.

    python Tools/reference/subword.py fixtures Tests/GraftTextTests/Fixtures
    python Tools/reference/subword.py corpus ../shared/data Tests/GraftTextTests/Fixtures/subword_corpus.json

The second writes hashes over data sets with vocabularies that are not part of this repository, and needs
transformers==4.57.6, tiktoken==0.14.0 and protobuf as well.

One folder per variant with a tokenizer.json, whose small vocabulary is trained here on made-up text if it is
not there yet (training is not repeatable);
`subword_texts.json` (inputs), `subword_cases.json` (encodings in full of some of them),
`subword_hashes.json` (a hash for each variant and input) and `subword_unicode.json` (hashes over every
Unicode scalar). Offsets are UTF-8 bytes.
"""

import base64
import gzip
import io
import json
import random
import sys
import tempfile
from pathlib import Path

import sentencepiece
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from wordpiece import POOL, TEXTS, Hash, add_encoding, encoded, rows_of, sweep_text, write, write_lines

SEED = 20261125
TRAINING = """
The quick brown fox jumps over the lazy dog, and the dog doesn't mind: it's asleep.
She sells 12 sea shells for 3.50 each; they're worth 1,234 in 2026!  They'll say: "we've sold them."
def area(width, height):\n    return width * height  # square metres\n
Ein Café in Köln öffnet früh; die Straße ist naß. Où est l'élève? Mañana será otro día.
Быстрая лиса прыгает через ленивую собаку. Привет, мир! Съешь ещё этих мягких булок.
Η γρήγορη αλεπού. שלום לכולם, מה שלומך? السلام عليكم ورحمة الله. नमस्ते दुनिया, आप कैसे हैं?
日本語の文章を短く書きます。中文也有一些句子。한국어 문장도 있습니다. ภาษาไทยไม่มีช่องว่าง
the thing with the other things that this and those others think about nothing in particular
HELLO WORLD hello world Hello World newest lowest widest wider newer lower low new wide
http://example.org/path?query=value&other=1 user@example.com #tag @name $9.99 50% (a+b)*c
""".strip()
CASES = [
    "Hello world", " hello  world ", "don't they'll HE'S we'Ve 'LL", "café Köln naïve", "x = 12345;\n\n\ty\r\n  z",
    "ab<mask>c <mask> d</s>", "שלום عليكم", "e\u0301\u0316 o\u0308", "日本語 한국어 ภาษาไทย", "👍🏽👩‍👩‍👧‍👦🇩🇪",
    "\x00a\x07b\u200bc\ufeffd", "▁the▁ ▁▁ x▁", "``quoted'' ﬁ ① ｆｕｌｌ\u3000x", "qqq###~~~€€€ \U0001d173x",
]
EXTRA = [
    "", " ", "\n", "  \n \n\n  x", "\r\n\r\n\tx\r", "trail   ", "   lead", "tab\tnew\n\n", "'S'ſ 'ſt 'T 'Re're 'd'd ''",
    "12345 6789 1 ½ ٣٤٥٦ Ⅷ 𝟙𝟚", "<s>hi</s> <pad><unk> <|endoftext|>x <|begin|> a", "\u00a0nb\u00a0sp\u3000id\u2003em",
    "①①\u0301 ㎏ ﬁne ½ Ⅻ ｆｕｌｌ ｶﾞ", "o\u0308\u0304 e\u0323\u0302 \u1e9b\u0323 \u0344\u0340", "ㄱㅏ 각\u11a8 \u1100\u1161\u11a8",
    "\u09c7\u09be \u0b47\u0b57 \u0958\u0929", "\u202eRTL\u202c \u200f‏שלום\u200e", "«»„“ ... --- !!! ???", "ALLCAPS camelCase snake_case",
    "ﷺ ﷲ \u2126\u212b Ⓐⓑ", "\u00ad\u200b\u200c\u200dzero", "hello</w>world </w>", "a\u030aﬆ ǆ İ ß ẞ Σς", "\u2028\u2029\u0085\u001c",
    "\U0010ffff\ue000\ufffe \ufffd", "x" * 40, "的" * 30, "ab" * 60,
]
LONG = [("x", 100_000), ("日", 40_000), (" ", 20_000), ("ab ", 30_000), ("e\u0301\u0316", 10_000), ("▁", 20_000)]
PATTERNS = {
    "llama3": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    "clip": r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
}
# Replacements of a small SentencePiece table; those that are empty delete.
DELETED = "\x00\x07\u00ad"
RULES = (
    [(c, "") for c in DELETED[1:]]
    + [(c, " ") for c in "\t\n\r\u00a0\u3000\u200b"]
    + [(chr(0xFF01 + i), chr(0x21 + i)) for i in range(94)]
    + [("①", "1"), ("ﬁ", "fi"), ("㎏", "kg"), ("½", "1⁄2"), ("Ⅻ", "XII"), ("ﷺ", "صلى الله عليه وسلم")]
    + [("e\u0301", "é"), ("o\u0308", "ö"), ("\u1100\u1161", "가"), ("ｶﾞ", "ガ"), ("ｶ", "カ")]
)


def sentencepiece_model(**options):
    """A SentencePiece model trained on the text above, with the table above."""
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        for source, target in RULES:
            row = [" ".join(f"{ord(c):X}" for c in side) for side in (source, target)]
            rules.write("\t".join(row) + "\n")
        rules.flush()
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(TRAINING.split("\n") * 4),
            model_writer=model,
            normalization_rule_tsv=rules.name,
            minloglevel=2,
            num_threads=1,
            **options,
        )
    return model.getvalue()


def fields(message):
    """The fields of a protobuf message: (number, value) in order."""
    place = 0

    def varint():
        nonlocal place
        value, shift = 0, 0
        while True:
            byte = message[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while place < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or varint()
            yield key >> 3, message[place : place + size]
            place += size


def precompiled():
    """The compiled form of the table above."""
    model = sentencepiece_model(model_type="unigram", vocab_size=400, hard_vocab_limit=False)
    specification = dict(fields(model))[3]
    return dict(fields(specification))[2]


def trained(model, trainer, normalizer=None, pre_tokenizer=None, decoder=None, post_processor=None):
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.train_from_iterator(TRAINING.split("\n") * 4, trainer)
    if decoder:
        tokenizer.decoder = decoder
    if post_processor:
        tokenizer.post_processor = post_processor(tokenizer)
    return tokenizer


def template(single, pair, *tokens):
    return lambda tokenizer: processors.TemplateProcessing(
        single=single, pair=pair, special_tokens=[(t, tokenizer.token_to_id(t)) for t in tokens]
    )


def roberta(cls, sep, **options):
    return lambda tokenizer: processors.RobertaProcessing(
        (sep, tokenizer.token_to_id(sep)), (cls, tokenizer.token_to_id(cls)), **options
    )


def byte_trainer(specials, size=460, **options):
    return trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
        **options,
    )


def byte_level_variants():
    byte_level, split, sequence = pre_tokenizers.ByteLevel, pre_tokenizers.Split, pre_tokenizers.Sequence
    begin = template("<|begin|> $A", "<|begin|> $A <|begin|>:1 $B:1", "<|begin|>")
    made = {
        "gpt2": trained(
            models.BPE(),
            byte_trainer(["<|endoftext|>"]),
            pre_tokenizer=byte_level(add_prefix_space=False),
            decoder=decoders.ByteLevel(),
            post_processor=lambda _: processors.ByteLevel(trim_offsets=False),
        ),
        "roberta": trained(
            models.BPE(),
            byte_trainer(["<s>", "<pad>", "</s>", "<unk>"]),
            pre_tokenizer=byte_level(add_prefix_space=True),
            decoder=decoders.ByteLevel(),
            post_processor=roberta("<s>", "</s>", trim_offsets=True, add_prefix_space=True),
        ),
        "llama3": trained(
            models.BPE(ignore_merges=True),
            byte_trainer(["<|begin|>", "<|end|>"]),
            pre_tokenizer=sequence(
                [split(Regex(PATTERNS["llama3"]), "isolated"), byte_level(add_prefix_space=False, use_regex=False)]
            ),
            decoder=decoders.ByteLevel(),
            post_processor=lambda t: processors.Sequence([processors.ByteLevel(trim_offsets=True), begin(t)]),
        ),
        "qwen2": trained(
            models.BPE(),
            byte_trainer(["<|endoftext|>"]),
            normalizer=normalizers.NFC(),
            pre_tokenizer=sequence(
                [split(Regex(PATTERNS["qwen2"]), "isolated"), byte_level(add_prefix_space=False, use_regex=False)]
            ),
            decoder=decoders.ByteLevel(),
            post_processor=lambda _: processors.ByteLevel(trim_offsets=False),
        ),
        "clip": trained(
            models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"),
            byte_trainer(["<|startoftext|>", "<|endoftext|>"], size=700, end_of_word_suffix="</w>"),
            normalizer=normalizers.Sequence(
                [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
            ),
            pre_tokenizer=sequence(
                [split(Regex(PATTERNS["clip"]), "removed", invert=True), byte_level(add_prefix_space=False)]
            ),
            decoder=decoders.ByteLevel(),
            post_processor=roberta("<|startoftext|>", "<|endoftext|>", trim_offsets=False, add_prefix_space=False),
        ),
    }
    made["roberta"].add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    return made


def fallback_variants():
    specials = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    common = {
        "decoder": decoders.Sequence(
            [
                decoders.Replace("▁", " "),
                decoders.ByteFallback(),
                decoders.Fuse(),
                decoders.Strip(content=" ", left=1, right=0),
            ]
        ),
        "post_processor": template("<s> $A", "<s> $A <s>:1 $B:1", "<s>"),
    }

    def model():
        return models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True)

    def trainer():
        return trainers.BpeTrainer(
            vocab_size=600, limit_alphabet=90, special_tokens=specials, show_progress=False
        )

    metaspace = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    made = {
        "fallback": trained(
            model(),
            trainer(),
            normalizer=normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]),
            **common,
        ),
        "metaspace": trained(model(), trainer(), pre_tokenizer=metaspace, **common),
        "unknown": trained(
            models.BPE(unk_token="<unk>", continuing_subword_prefix="##"),
            trainers.BpeTrainer(
                vocab_size=400,
                limit_alphabet=60,
                special_tokens=["<unk>"],
                continuing_subword_prefix="##",
                show_progress=False,
            ),
            normalizer=normalizers.NFKC(),
            pre_tokenizer=pre_tokenizers.WhitespaceSplit(),
            decoder=decoders.BPEDecoder(suffix="</w>"),
        ),
    }
    # Bytes are tokens of the model that decoding joins, not special tokens that it leaves out.
    for name in ("fallback", "metaspace"):
        data = json.loads(made[name].to_str())
        data["added_tokens"] = data["added_tokens"][:3]
        made[name] = Tokenizer.from_str(json.dumps(data))
    return made


def unigram_variants():
    def trainer(specials, size=500):
        return trainers.UnigramTrainer(
            vocab_size=size, special_tokens=specials, unk_token="<unk>", show_progress=False
        )

    def metaspace(scheme="always"):
        return {
            "pre_tokenizer": pre_tokenizers.Metaspace(prepend_scheme=scheme),
            "decoder": decoders.Metaspace(prepend_scheme=scheme),
        }

    table = normalizers.Precompiled(precompiled())
    made = {
        "unigram": trained(
            models.Unigram(),
            trainer(["<pad>", "</s>", "<unk>"]),
            normalizer=normalizers.Sequence(
                [table, normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "▁")]
            ),
            post_processor=template("$A </s>", "$A </s> $B </s>", "</s>"),
            **metaspace(),
        ),
        "accents": trained(
            models.Unigram(),
            trainer(["<pad>", "<unk>", "[CLS]", "[SEP]"]),
            normalizer=normalizers.Sequence(
                [
                    normalizers.Replace("``", '"'),
                    normalizers.Replace("''", '"'),
                    normalizers.NFKD(),
                    normalizers.StripAccents(),
                    normalizers.Lowercase(),
                    table,
                ]
            ),
            post_processor=template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", "[CLS]", "[SEP]"),
            **metaspace(),
        ),
        "first": trained(
            models.Unigram(),
            trainer(["<s>", "<pad>", "</s>", "<unk>"]),
            normalizer=normalizers.NFD(),
            **metaspace("first"),
        ),
    }
    made["first"].add_tokens([AddedToken("New Word", normalized=True), AddedToken("<x>", rstrip=True)])
    data = json.loads(made["first"].to_str())
    data["model"]["byte_fallback"] = True
    data["model"]["vocab"] += [[f"<0x{byte:02X}>", -20.0] for byte in range(256)]
    shift = len(data["model"]["vocab"])
    for token in data["added_tokens"]:
        if token["id"] >= shift - 256:
            token["id"] += 256
    made["bytes"] = Tokenizer.from_str(json.dumps(data))
    return made


def variants(folder):
    """The tokenizers: those of an earlier run where there are, as training twice gives other vocabularies."""
    names = "gpt2 roberta llama3 qwen2 clip fallback metaspace unknown unigram accents first bytes".split()
    files = {name: folder / name / "tokenizer.json" for name in names}
    if all(file.exists() for file in files.values()):
        return {name: Tokenizer.from_file(str(file)) for name, file in files.items()}
    made = byte_level_variants() | fallback_variants() | unigram_variants()
    return {name: made[name] for name in names}


def decoded(name, tokenizer, ids, skip):
    text = tokenizer.decode(ids, skip_special_tokens=skip)
    # As CLIPTokenizerFast, which wraps the decoder.
    return text.replace("</w>", " ").strip() if name == "clip" else text


def is_defective(name, text):
    """Whether the reference loses count: a scalar that the table deletes moves the offsets behind it."""
    return name in ("unigram", "accents") and any(c in text for c in DELETED)


def cases(made):
    rows = []

    def case(name, text, pair=None, words=None, length=None, special=True):
        tokenizer = made[name]
        if length is None:
            tokenizer.no_truncation()
        else:
            tokenizer.enable_truncation(length)
        encoding = tokenizer.encode(
            words if words is not None else text,
            pair,
            is_pretokenized=words is not None,
            add_special_tokens=special,
        )
        inputs = {"text": text, "pair": pair, "words": words, "max_length": length}
        row = {"variant": name, "add_special": special, "repeat": 1}
        row |= {key: value for key, value in inputs.items() if value is not None}
        row |= encoded(encoding, words if words is not None else [text, pair], words is not None)
        row["decoded"] = decoded(name, tokenizer, encoding.ids, True)
        row["decoded_with_special"] = decoded(name, tokenizer, encoding.ids, False)
        rows.append(row)

    for name in made:
        for text in CASES:
            if not is_defective(name, text):
                case(name, text)
        case(name, "the dog", "and Köln, here", special=False)
        case(name, "the dog", " and Köln, here")
        case(name, None, words=["Hello", "", " un able", "doesn't", "naïve!", "中文x"])
        case(name, "the other thing with nothing", "and those", length=9)
        case(name, "the other thing with nothing", length=6)
    return rows


def hashes(made, texts):
    result = {}
    for name, tokenizer in made.items():
        tokenizer.no_truncation()
        rows = []
        for text, repeat in texts:
            text = text * repeat
            encoding = tokenizer.encode(text)
            row, digest = encoded(encoding, [text]), Hash()
            if is_defective(name, text):
                row["offsets"] = []
            add_encoding(digest, row)
            for skip in (True, False):
                digest.add(map(ord, decoded(name, tokenizer, encoding.ids, skip)))
            rows.append(("-" if is_defective(name, text) else "") + str(digest))
        result[name] = rows
    return result


def unicode_hashes(made):
    """Hashes of normalized text over all planes, and of encodings over the planes that have letters."""
    result = {"normalized": {}, "encoded": {}}
    made_normalizers = {
        "NFC": normalizers.NFC(),
        "NFD": normalizers.NFD(),
        "NFKC": normalizers.NFKC(),
        "NFKD": normalizers.NFKD(),
        "Lowercase": normalizers.Lowercase(),
        "StripAccents": normalizers.StripAccents(),
    }
    for name, normalizer in made_normalizers.items():
        planes = []
        for plane in range(17):
            digest = Hash()
            for page in range(plane << 8, (plane + 1) << 8):
                digest.add(map(ord, normalizer.normalize_str(sweep_text(page))))
            planes.append(str(digest))
        result["normalized"][name] = planes
    for name in ("gpt2", "llama3", "qwen2", "clip", "unigram", "accents"):
        planes = []
        for plane in range(4):
            digest = Hash()
            for page in range(plane << 8, (plane + 1) << 8):
                text = sweep_text(page)
                row = encoded(made[name].encode(text), [text])
                row["offsets"] = []
                add_encoding(digest, row)
            planes.append(str(digest))
        result["encoded"][name] = planes
    return result


CORPORA = ["udhr", "tatoeba_sentences"]


def clip_files(source, folder):
    """vocab.json and merges.txt of CLIP, from the list of merges that its authors published."""
    lines = gzip.open(source / "clip/bpe_simple_vocab_16e6.txt.gz", "rt", encoding="utf-8").read().split("\n")
    merges = lines[1 : 49152 - 256 - 2 + 1]
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = [chr(byte) for byte in printable] + [chr(0x100 + index) for index in range(68)]
    tokens = letters + [letter + "</w>" for letter in letters] + ["".join(merge.split()) for merge in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: index for index, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", "utf-8")


def references(source):
    """By name, a function from a text to its ids."""
    import tiktoken
    import transformers

    def fast(name, class_name, files):
        with tempfile.TemporaryDirectory() as folder:
            for file, target in files.items():
                (Path(folder) / target).write_bytes((source / file).read_bytes())
            if name == "clip":
                clip_files(source, Path(folder))
            made = getattr(transformers, class_name + "Fast").from_pretrained(folder).backend_tokenizer
        made.no_truncation()
        return lambda text: made.encode(text).ids

    def ranks(file, pattern, specials):
        lines = (source / file).read_bytes().splitlines()
        table = {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, lines)}
        made = tiktoken.Encoding(file, pat_str=pattern, mergeable_ranks=table, special_tokens=specials)
        return lambda text: made.encode(text, disallowed_special=())

    def model(file):
        return sentencepiece.SentencePieceProcessor(model_file=str(source / file)).encode

    merges = {"gpt2/merges.txt": "merges.txt"}
    small = "small_spm/test_sentencepiece_"
    cl100k = (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
        r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
    )
    return {
        "gpt2": fast("gpt2", "GPT2Tokenizer", merges | {"gpt2/vocab.json": "vocab.json"}),
        "roberta": fast("roberta", "RobertaTokenizer", merges | {"roberta_bart/vocab.json": "vocab.json"}),
        "qwen2": fast("qwen2", "Qwen2Tokenizer", merges | {"gpt2/vocab.json": "vocab.json"}),
        "clip": fast("clip", "CLIPTokenizer", {}),
        "llama2": fast("llama2", "LlamaTokenizer", {"llama2/tokenizer.model": "tokenizer.model"}),
        "t5": fast("t5", "T5Tokenizer", {"t5/spiece.model": "spiece.model"}),
        "albert": fast("albert", "AlbertTokenizer", {"albert/spiece.model": "spiece.model"}),
        "xlm_roberta": fast("xlmr", "XLMRobertaTokenizer", {"t5/spiece.model": "sentencepiece.bpe.model"}),
        "llama3": ranks("llama3/tokenizer.model", PATTERNS["llama3"], {}),
        "cl100k": ranks("cl100k/cl100k_base.tiktoken", cl100k, {}),
        "plain_t5": model("t5/spiece.model"),
        "plain_albert": model("albert/spiece.model"),
        "plain_llama2": model("llama2/tokenizer.model"),
        "plain_unigram": model(small + "unigram.model"),
        "plain_bpe": model(small + "bpe.model"),
        "plain_fallback": model(small + "with_bytefallback.model"),
        "plain_ja": model("small_spm/test_model_ja.model"),
    }


def corpus(data):
    rows = []
    for name, encode in references(data / "tokenizers").items():
        for folder in CORPORA:
            digest, tokens, count = Hash(), 0, 0
            for path in sorted((data / folder).glob("*.jsonl.gz")):
                for text in rows_of(path):
                    ids = encode(text)
                    digest.add([len(ids)])
                    digest.add(ids)
                    tokens += len(ids)
                    count += 1
            row = {"tokenizer": name, "folder": folder, "rows": count, "tokens": tokens, "hash": str(digest)}
            rows.append(row)
    return rows


def main(command, source, target=None):
    if command == "corpus":
        write_lines(Path(target), corpus(Path(source)))
        return
    folder = Path(source)
    made = variants(folder)
    generator = random.Random(SEED)
    pool = POOL + ["'s", "'Re", " '", "1", "23", "\n", "\r\n", "  ", "▁", "<s>", "</s>", "<|begin|>", "①", "ﬁ", "ｶ", "ﾞ"]
    pool += ["\u3099", "각", "\u1161", "½", "٣", "”", "the ", "ing", "New Word", "<x> ", "<mask>"]
    fuzz = ["".join(generator.choices(pool, k=generator.randint(1, 24))) for _ in range(160)]
    texts = [(text, 1) for text in TEXTS + EXTRA + CASES + fuzz] + LONG
    write_lines(folder / "subword_texts.json", [list(row) for row in texts])
    write_lines(folder / "subword_cases.json", cases(made))
    write(folder / "subword_hashes.json", hashes(made, texts))
    write(folder / "subword_unicode.json", unicode_hashes(made))
    for name, tokenizer in made.items():
        tokenizer.no_truncation()
        (folder / name).mkdir(parents=True, exist_ok=True)
        tokenizer.save(str(folder / name / "tokenizer.json"), pretty=False)


if __name__ == "__main__":
    main(*sys.argv[1:])

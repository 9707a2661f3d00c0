"""Writes the fixtures of Tests/GraftTextTests: what the `tokenizers` package makes of difficult text.

Needs: tokenizers==0.22.2 (any other version: the Unicode tables may differ, and the hashes with them).
Seed: 20261123.

    python Tools/reference/wordpiece.py fixtures Tests/GraftTextTests/Fixtures
    python Tools/reference/wordpiece.py corpus ../shared/data Tests/GraftTextTests/Fixtures/corpus.json

`fixtures` writes one folder with a tokenizer.json per variant, `cases.json` (inputs and their encodings)
and `unicode.json` (hashes over every Unicode scalar). `corpus` writes hashes over data sets, which are
not part of this repository. Offsets are UTF-8 bytes.
"""

import gzip
import json
import random
import sys
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = """
a b c d e f g h i j k l m n o p q r s t u v w x y z 0 1 2 3 A B É é ß ö ü i̇ σ ς æ ø 中 文 豈 한 ᄒ あ ア ы й и я
##a ##b ##c ##e ##d ##s ##t ##er ##ing ##ed ##1 ##2 ##é ##ö ##ы ##й ##и ##я ##文 ##ᅡ ##ᆫ ##あ
the The un able want ##want ##ab ##able run ##run ##n ##ning to be or not hello world Hello cafe café Cafe naïve
, . ! ? ' " ( ) [ ] - _ ## # $ @ & * ; : / « » 。 、 ؟ । day yesterday new ##york york привет מה नम ##स
""".split()

FNV_OFFSET, FNV_PRIME, MASK = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1


class Hash:
    """FNV-1a with 64 bits, fed with whole numbers instead of bytes."""

    def __init__(self):
        self.value = FNV_OFFSET

    def add(self, numbers):
        value = self.value
        for number in numbers:
            value = ((value ^ number) * FNV_PRIME) & MASK
        self.value = value

    def __str__(self):
        return f"{self.value:016x}"


def byte_offsets(text):
    """The UTF-8 offset of each character of `text`, and of its end."""
    places, place = [0], 0
    for character in text:
        place += len(character.encode("utf-8"))
        places.append(place)
    return places


def encoded(encoding, texts, by_word=False):
    """An encoding as the lists that Graft returns; `texts` are those that offsets refer to."""
    places = {}
    offsets, sequences, words = [], encoding.sequence_ids, encoding.word_ids
    for (start, end), sequence, word in zip(encoding.offsets, sequences, words):
        index = word if by_word else sequence
        if index is None:
            offsets += [0, 0]
            continue
        if index not in places:
            places[index] = byte_offsets(texts[index])
        offsets += [places[index][start], places[index][end]]
    return {
        "ids": encoding.ids,
        "type_ids": encoding.type_ids,
        "offsets": offsets,
        "word_ids": words,
        "special": encoding.special_tokens_mask,
    }


def add_encoding(digest, row):
    digest.add([len(row["ids"])])
    digest.add(row["ids"])
    digest.add(row["type_ids"])
    digest.add(row["offsets"])
    digest.add([0 if word is None else word + 1 for word in row["word_ids"]])
    digest.add(row["special"])


def bert(vocabulary, normalizer=None, added=(), unknown="[UNK]", prefix="##", limit=100):
    tokenizer = Tokenizer(
        models.WordPiece(
            vocabulary, unk_token=unknown, continuing_subword_prefix=prefix, max_input_chars_per_word=limit
        )
    )
    tokenizer.normalizer = normalizer or normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix=prefix)
    tokenizer.post_processor = template(tokenizer, "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1")
    tokenizer.add_special_tokens([token for token in SPECIALS if token in vocabulary])
    for token in added:
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
    return tokenizer


def template(tokenizer, single, pair):
    specials = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    return processors.TemplateProcessing(single=single, pair=pair, special_tokens=specials)


def variants():
    vocabulary = {}
    for token in SPECIALS + PIECES:
        vocabulary.setdefault(token, len(vocabulary))
    bert_normalizer = normalizers.BertNormalizer

    def rules(clean, chinese, accents, lower):
        return bert_normalizer(
            clean_text=clean, handle_chinese_chars=chinese, strip_accents=accents, lowercase=lower
        )

    made = {
        "uncased": bert(vocabulary),
        "cased": bert(vocabulary, rules(True, True, None, False)),
        "stripped": bert(vocabulary, rules(True, False, True, False)),
        "lower": bert(vocabulary, rules(True, True, False, True)),
        "raw": bert(vocabulary, rules(False, False, False, False)),
        "unclean": bert(vocabulary, rules(False, True, True, True)),
    }
    made["added"] = bert(
        vocabulary,
        added=[
            AddedToken("New York", normalized=True),
            AddedToken("Café", normalized=True, single_word=True),
            AddedToken("<left>", special=True, lstrip=True),
            AddedToken("<right>", special=True, rstrip=True),
            AddedToken("<both>", special=False, normalized=False, lstrip=True, rstrip=True),
            AddedToken("word", normalized=False, single_word=True),
            AddedToken("wordy", normalized=False),
            AddedToken("[E1]", special=True),
            AddedToken("[E1][E2]", special=True),
            AddedToken("day", normalized=True, rstrip=True, single_word=True),
        ],
    )
    processing = bert(vocabulary)
    processing.post_processor = processors.BertProcessing(
        ("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"])
    )
    made["processing"] = processing
    plain = bert(vocabulary)
    plain.post_processor = None
    plain.decoder = None
    plain.normalizer = None
    made["plain"] = plain
    other = {token.replace("##", "@@"): index for token, index in vocabulary.items() if token != "[UNK]"}
    other["<oov>"] = vocabulary["[UNK]"]
    made["prefix"] = bert(other, unknown="<oov>", prefix="@@", limit=5)
    odd = bert(vocabulary)
    odd.post_processor = template(odd, "$A:3 [SEP]:2 [CLS] [SEP]", "[SEP] $B:4 [CLS]:5 $A:1")
    odd.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    made["odd"] = odd
    return made


TEXTS = [
    "", " ", " \t\r\n ", "hello world", "Hello, World!", "unwanted running", "the cafe\u0301 caf\u00e9 CAFÉ",
    "a" * 100, "a" * 101, "é" * 100, "é" * 101, "[SEP]", "a[SEP]b", "[sep]", "x [MASK][PAD] [UNK]y", "##able #",
    "don't stop! is n't it? they 're 's 've 'm do not ' a '", "a.b,c?d!", "naïve NAÏVE", "ÅÅ\u212b",
    "中文字a中", "\uf900\u8c48\U0002f800", "한국어 \u1112\u1161\u11ab", "ア\u3099が", "привет Й и\u0306",
    "שלום מה\u05bc\u05b7", "السلام عليكم؟", "नमस्ते।", "ไทยไม่", "İstanbul İ i\u0307 ıI", "ΣΑΣ ς ẞß ǅ ﬀ",
    "👩‍👩‍👧‍👦 👍🏽 🇩🇪 ✊\ufe0f", "\u200ba\u200db\ufeffc\u00add", "\u0000a\u0001b\u007fc\u0085d\u009fe",
    "\ufffd a\ufffdb", "a\u2028b\u2029c\u00a0d\u3000e\u1680f", "\u0301a \u0301", "e\u0301\u0316 e\u0316\u0301 é\u0316",
    "\u0344\u0334", "a\u0f73\u0334b", "\U0001d15e\u0334 \U0001d160", "\u09c7\u09be \u0b4b \u0cca", "\u1e9b\u0323",
    "\U0001f1e6\U0010ffff\ue000x", "\u1734 \u1885 \ua9bd \U000111c9 \u166d \u1df7", "\ua7ce \U00016ea0",
    "New York new\u00a0york NEW YORK newyork", "café cafés Café. CAFÉ_", " <left> a <left>", "<right>  a<right> ",
    "a  <both>  b<both><both> ", "<both> <left>", "word sword word1 wordy (word) word\u0301", "[E1][E2] [E1]x[E1]",
    "yesterday day  the day. DAY\u00a0x", "a\u0327\u0301\u0334\u0345 b", "$1,000.00 @user #tag http://t.co/a_b",
]
POOL = (
    list("abcdefgh ABCDE.,!#'[]() \t\n") + ["the", "hello", "ing", "[SEP]", "[MASK]", "word", "day ", " <left>", "Café"]
    + list("éÉöÅß\u0301\u0316\u0334\u0345\u0327\u05b7\u093c\u200b\u200d\u00ad\u0000\u0007\ufffd\u2028\u00a0\u3000")
    + list("中文豈한각あがアыйЙσΣςİıǅ\u0344\u0f73\u0958\u1e9b\u212b\u2126\u037e\u1fef\ua9bd\u1734\u1885\u1df7")
    + ["\U0001d15e", "\U0001d165", "\U0002f800", "\U0001f600", "\U0010ffff", "\ue000", "\U00011938", "\U000e0001"]
)


def cases(made):
    generator = random.Random(20261123)
    fuzz = ["".join(generator.choices(POOL, k=generator.randint(1, 24))) for _ in range(100)]
    rows = []

    def case(name, text, pair=None, words=None, length=None, special=True, repeat=1):
        tokenizer = made[name]
        if length is None:
            tokenizer.no_truncation()
        else:
            tokenizer.enable_truncation(length)
        sequence = words if words is not None else text * repeat
        encoding = tokenizer.encode(
            sequence, pair, is_pretokenized=words is not None, add_special_tokens=special
        )
        inputs = {"text": text, "pair": pair, "words": words, "max_length": length}
        inputs |= {"add_special": special, "repeat": repeat}
        row = {"variant": name} | {key: value for key, value in inputs.items() if value is not None}
        row |= encoded(encoding, words if words is not None else [sequence, pair], words is not None)
        row["decoded"] = tokenizer.decode(encoding.ids, skip_special_tokens=True)
        row["decoded_with_special"] = tokenizer.decode(encoding.ids, skip_special_tokens=False)
        rows.append(row)

    for name in made:
        for text in TEXTS:
            if len(text) <= 100 or name == "uncased":
                case(name, text)
        for text in fuzz[:15] if name not in ("uncased", "added", "unclean") else fuzz:
            case(name, text)
        for special in (True, False):
            case(name, "the café", "un[SEP]able, hello", special=special)
        case(name, None, words=["Hello", "", "un able", "[SEP]", "naïve!", "\u200b", "中文x"])
    for length in (3, 4, 5, 6, 7, 8, 11, 20):
        for first, second in ((4, 4), (3, 9), (9, 3), (1, 12), (7, 8), (8, 7), (0, 9), (9, 0)):
            case("uncased", "a " * first, "b " * second, length=length)
        case("uncased", "unwanted " * 5, length=length)
        case("uncased", None, words=["unwanted", "hello", "running", "the"], length=length)
    case("odd", "a " * 9, "b " * 9, length=9)
    case("plain", "a " * 9, "b " * 9, length=9)
    case("plain", "a " * 9, length=4)
    case("uncased", "x", repeat=100_000)
    case("uncased", "a\u0301", repeat=5_000)
    case("uncased", "\u0316\u0301", repeat=500)
    case("uncased", "the un ", pair="able ", length=9, repeat=2_000)
    return rows


SWEEP = ["uncased", "stripped", "lower", "raw"]


def sweep_text(page):
    """Each scalar of a page of 256, in a word of its own and among marks."""
    parts = []
    for value in range(page << 8, (page + 1) << 8):
        if not 0xD800 <= value < 0xE000:
            character = chr(value)
            parts.append(f"A{character}b {character}\u0301\u0316a\u0334{character} ")
    return "".join(parts)


def unicode_hashes(made):
    """By variant and plane, hashes of normalized text and of encodings."""
    hashes = {}
    for name in SWEEP:
        tokenizer, planes = made[name], []
        tokenizer.no_truncation()
        for plane in range(17):
            normalized, tokens = Hash(), Hash()
            for page in range(plane << 8, (plane + 1) << 8):
                text = sweep_text(page)
                normalized.add(map(ord, tokenizer.normalizer.normalize_str(text)))
                add_encoding(tokens, encoded(tokenizer.encode(text), [text]))
            planes.append({"normalized": str(normalized), "encoded": str(tokens)})
        hashes[name] = planes
    return hashes


def rows_of(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield from row["paragraphs"] if "paragraphs" in row else [row["text"]]


def corpus(data):
    """Hashes over data sets, with the vocabulary of BERT."""
    lines = (data / "tokenizers/bert_base_uncased/vocab.txt").read_text("utf-8").split("\n")
    vocabulary = {token: index for index, token in enumerate(lines[:-1])}
    made = {
        "uncased": bert(vocabulary),
        "cased": bert(vocabulary, normalizers.BertNormalizer(lowercase=False)),
    }
    folders = ["udhr", "tatoeba_sentences", "sst2", "ag_news"]
    folders += sorted(path.name for path in data.glob("tweet_*"))
    files = []
    for folder in folders:
        for path in sorted((data / folder).glob("*.jsonl.gz")):
            texts = list(rows_of(path))
            for name in ["uncased", "cased"] if folder in ("udhr", "tatoeba_sentences") else ["uncased"]:
                digest, tokens = Hash(), 0
                for text, encoding in zip(texts, made[name].encode_batch(texts)):
                    add_encoding(digest, encoded(encoding, [text]))
                    tokens += len(encoding.ids)
                files.append(
                    {
                        "file": f"{folder}/{path.name}",
                        "variant": name,
                        "rows": len(texts),
                        "tokens": tokens,
                        "hash": str(digest),
                    }
                )
    return files


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n", "utf-8")


def write_lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(row, ensure_ascii=True, separators=(",", ":")) for row in rows)
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")


def main(command, source, target=None):
    if command == "corpus":
        write_lines(Path(target), corpus(Path(source)))
        return
    folder, made = Path(source), variants()
    write_lines(folder / "cases.json", cases(made))
    write(folder / "unicode.json", unicode_hashes(made))
    for name, tokenizer in made.items():
        tokenizer.no_truncation()
        (folder / name).mkdir(parents=True, exist_ok=True)
        tokenizer.save(str(folder / name / "tokenizer.json"), pretty=False)


if __name__ == "__main__":
    main(*sys.argv[1:])

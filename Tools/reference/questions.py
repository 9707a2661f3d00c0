"""Questions with long contexts as windows of tokens, and the answers that scores of these tokens mean.

Writes questions.json: windows as BertTokenizerFast of `transformers` cuts them, with the tokens of the first answer, and
for random scores the answers by the rules of the reference's example for SQuAD (`run_qa.py`, `utils_qa.py`).
"""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any

import torch
from transformers import BertTokenizerFast

import common

SEED = 17
#: The vocabulary of the tests' tiny models.
WORDS = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] good bad fine awful great poor film book song play the a is was very not alice bob"
    " paris rome ##s ##ly").split()
CONTEXT = (
    "the film was very good , not bad . alice was not in paris : bob is in rome . the book is a great book , the songs are"
    " fine and 𝄞 the play is awfully poor ; é was not good")
QUESTIONS = [
    ("was bob in rome", CONTEXT, ["rome", "in rome"]),
    ("the songs", CONTEXT, ["fine", "the songs"]),
    ("the play", CONTEXT, ["awfully poor"]),
    ("é", CONTEXT, ["not good"]),
    ("was alice in rome", CONTEXT, []),
    ("the film", "very good", ["good"]),
    ("a book is", "bob", []),
]
#: The longest row, and the tokens that windows share.
SETTINGS = [(384, 128), (20, 4), (14, 5), (12, 0)]
(CANDIDATES, LONGEST) = (20, 30)


def windows(tokenizer: BertTokenizerFast, row: tuple, length: int, stride: int) -> list[dict]:
    question, context, answers = row
    encoded = tokenizer(
        question, context, truncation="only_second", max_length=length, stride=stride,
        return_overflowing_tokens=True, return_offsets_mapping=True)
    found = []
    for index, ids in enumerate(encoded["input_ids"]):
        parts = encoded.sequence_ids(index)
        places = [k for k, part in enumerate(parts) if part == 1]
        offsets = encoded["offset_mapping"][index]
        span = (0, 0)
        if answers:
            start = context.index(answers[0])
            end = start + len(answers[0])
            if offsets[places[0]][0] <= start and offsets[places[-1]][1] >= end:
                span = (max(k for k in places if offsets[k][0] <= start),
                        min(k for k in places if offsets[k][1] >= end))
        found.append({
            "ids": ids, "type_ids": encoded["token_type_ids"][index], "span": span,
            "offsets": {k: offsets[k] for k in places}})
    return found


def answer(context: str, parts: list[dict], accepts_none: bool) -> dict[str, Any]:
    """The best answer over the windows of a question, with its probability among the best twenty."""
    candidates, none = [], math.inf
    for part in parts:
        starts, ends = (torch.tensor(part[name]) for name in ["starts", "ends"])
        none = min(none, float(starts[0] + ends[0]))
        count = min(CANDIDATES, len(starts))
        for first in starts.topk(count).indices.tolist():
            for last in ends.topk(count).indices.tolist():
                if first in part["offsets"] and last in part["offsets"] and 0 <= last - first < LONGEST:
                    text = context[part["offsets"][first][0]:part["offsets"][last][1]]
                    candidates.append((float(starts[first] + ends[last]), text))
    best = max(candidates)
    scored = [score for score, _ in candidates] + ([none] if accepts_none else [])
    kept = sorted(scored, reverse=True)[:CANDIDATES]
    if accepts_none and none not in kept:
        kept.append(none)
    if accepts_none and none > best[0]:
        best = (none, "")
    probability = math.exp(best[0]) / sum(math.exp(score) for score in kept)
    return {"text": best[1], "probability": probability}


def main() -> None:
    normal = common.generator(SEED)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocab.txt"
        path.write_text("\n".join(WORDS + [f"filler{k}" for k in range(len(WORDS), 64)]))
        tokenizer = BertTokenizerFast(str(path), do_lower_case=True)
    cases = []
    for length, stride in SETTINGS:
        rows = []
        for row in QUESTIONS:
            question, context, answers = row
            parts = windows(tokenizer, row, length, stride)
            for part in parts:
                for name in ["starts", "ends"]:
                    values = 2 * torch.randn(len(part["ids"]), generator=normal)
                    part[name] = [round(value, 4) for value in values.tolist()]
            rows.append({
                "question": question, "context": context,
                "answers": [{"text": a, "answer_start": context.index(a)} for a in answers],
                "windows": [{k: v for k, v in part.items() if k != "offsets"} for part in parts],
                "best": answer(context, parts, False),
                "best_or_none": answer(context, parts, True),
            })
        cases.append({"max_length": length, "stride": stride, "rows": rows})
    text = json.dumps({"versions": json.loads(common.versions()), "seed": SEED, "cases": cases})
    (common.FIXTURES / "questions.json").write_text(text + "\n")


if __name__ == "__main__":
    main()

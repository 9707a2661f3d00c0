"""Last hidden states of a real BERT model (all-MiniLM-L6-v2), row by row without padding.

    minilm.py --model FOLDER
        writes Tests/Fixtures/minilm_hidden.safetensors for the texts below
    minilm.py --model FOLDER --data FOLDER --output FILE
        writes FILE for 200 texts of the data sets sst2, ag_news and udhr; not for the repository
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import common
import torch
from safetensors.torch import save_file
from transformers import AutoModel, AutoTokenizer

MAX_LENGTH = 128
TEXTS = [
    "Hello",
    "",
    "A quiet harbour at dawn.",
    "Why did the parcel arrive two days late?",
    "Zoë's café serves crème brûlée in Kraków.",
    "3.14 isn't 22/7 (0.04%).",
    "深い海 and wide skies",
    "snow snow snow snow snow",
    "def area(r): return 2 * r",
    "antidisestablishmentarianism",
    "It works. It does not.",
    "🙂 fine",
    "The lighthouse keeper climbed the spiral stairs every evening, counting each step aloud so "
    "that the sound of his own voice would keep him company. Outside, the wind worried at the "
    "shutters, and far below the waves broke over rocks which no chart had ever shown correctly. "
    "He trimmed the wick, wiped the great lens with a cloth, and wrote one line in the log: wind "
    "from the west, visibility poor, two ships passing to the north, both in good order.",
]


def rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def chosen(data: Path) -> list[dict[str, Any]]:
    """200 texts at even distances: 80 of sst2, 80 of ag_news, 40 paragraphs of English udhr."""
    english = next(row for row in rows(data / "udhr/all.jsonl.gz") if row["iso6393"] == "eng")
    sources = [
        (file, [row["text"] for row in rows(data / file)], 80)
        for file in ["sst2/dev.jsonl.gz", "ag_news/test.jsonl.gz"]
    ] + [
        (f"udhr/all.jsonl.gz, code {english['code']}, paragraphs", english["paragraphs"], 40),
    ]
    return [
        {"file": file, "row": k * len(texts) // count, "text": texts[k * len(texts) // count]}
        for file, texts, count in sources for k in range(count)
    ]


def hidden_states(folder: Path, texts: list[str]) -> dict[str, torch.Tensor]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32).eval()
    encodings = [tokenizer(text, truncation=True, max_length=MAX_LENGTH) for text in texts]
    with torch.no_grad():
        hidden = [
            model(input_ids=torch.tensor([encoding["input_ids"]])).last_hidden_state[0]
            for encoding in encodings
        ]
    return {
        "ids": torch.tensor([id for encoding in encodings for id in encoding["input_ids"]]),
        "lengths": torch.tensor([len(h) for h in hidden]),
        "hidden": torch.cat(hidden),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    if (arguments.data is None) != (arguments.output is None):
        parser.error("--data and --output go together")

    if arguments.data is None:
        common.save(
            "minilm_hidden.safetensors", hidden_states(arguments.model, TEXTS), seed=0,
            texts=json.dumps(TEXTS))
    else:
        picked = chosen(arguments.data)
        texts = [row["text"] for row in picked]
        save_file(
            hidden_states(arguments.model, texts), arguments.output,
            {"versions": common.versions(), "texts": json.dumps(texts), "rows": json.dumps(
                [{"file": row["file"], "row": row["row"]} for row in picked])})


if __name__ == "__main__":
    main()

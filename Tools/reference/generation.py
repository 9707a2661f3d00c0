"""Probabilities of the next token as `transformers` draws it, for settings of generation.

Writes generation.safetensors: `scores` [cases, vocabulary] of made-up rows, `written` [cases, n] the
tokens that are there already, and `probabilities.<k>` [cases, vocabulary] for the settings number k
in the metadata.
"""

from __future__ import annotations

import json

import torch
from transformers import (
    LogitsProcessorList, RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper,
    TopKLogitsWarper, TopPLogitsWarper)

import common

SEED = 13
SETTINGS = [
    {"temperature": 1.0},
    {"temperature": 0.7},
    {"temperature": 1.0, "top_k": 5},
    {"temperature": 1.3, "top_p": 0.8},
    {"temperature": 0.5, "top_k": 12, "top_p": 0.9},
    {"temperature": 1.0, "repetition_penalty": 1.4},
    {"temperature": 0.8, "repetition_penalty": 0.6, "top_k": 1},
    {"temperature": 1.0, "top_p": 0.05},
]
PROCESSORS = {
    "repetition_penalty": RepetitionPenaltyLogitsProcessor, "temperature": TemperatureLogitsWarper,
    "top_k": TopKLogitsWarper, "top_p": TopPLogitsWarper,
}


def main() -> None:
    random = common.generator(SEED)
    scores = 3 * torch.randn(6, 40, generator=random)
    # Equal scores at the edge of the 5 and the 12 likeliest.
    order = scores[0].argsort(descending=True)
    scores[0, order[5]] = scores[0, order[4]]
    scores[0, order[12]] = scores[0, order[11]]
    written = torch.randint(0, 40, (6, 9), generator=random)
    tensors = {"scores": scores, "written": written}
    for number, settings in enumerate(SETTINGS):
        processors = LogitsProcessorList(
            [make(settings[name]) for name, make in PROCESSORS.items() if name in settings])
        tensors[f"probabilities.{number}"] = processors(written, scores.clone()).softmax(-1)
    common.save("generation.safetensors", tensors, SEED, settings=json.dumps(SETTINGS))


if __name__ == "__main__":
    main()

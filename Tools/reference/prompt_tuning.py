"""Prompt tuning of AdapterHub's `adapters` on the tiny model bert/h16 (run bert.py first).

Writes prompt/<case>.safetensors. `hidden`, and the logits of tagging, are of the rows' own tokens;
classification reads position 0, as the reference does: a prompt token with `combine="prefix"`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from adapters import PromptTuningConfig

import bottleneck
import common
import methods
from methods import View

SEED = 6
LENGTH = 4

CASES: dict[str, tuple[dict[str, Any], str]] = {
    "prompt_tuning": ({}, "classification"),
    "after_bos": ({"combine": "prefix_after_bos"}, "classification"),
    "tagging": ({}, "tagging"),
    "tagging_after_bos": ({"combine": "prefix_after_bos"}, "tagging"),
}


def own_tokens(values: torch.Tensor, lengths: torch.Tensor, combine: str) -> torch.Tensor:
    """The real tokens [tokens, ...] of rows among which the prompt stands."""
    front = 0 if combine == "prefix" else 1
    kept = torch.cat([values[:, :front], values[:, front + LENGTH :]], dim=1)
    return common.ragged(kept, lengths)


def forward(
    model: torch.nn.Module, inputs: dict[str, torch.Tensor], combine: str, kind: str
) -> dict[str, torch.Tensor]:
    output = model(**common.padded_inputs(inputs), output_hidden_states=True)
    hidden = own_tokens(output.hidden_states[-1], inputs["lengths"], combine)
    logits = output.logits
    if kind == "tagging":
        logits = own_tokens(logits, inputs["lengths"], combine)
    loss = torch.nn.functional.cross_entropy(logits, inputs["labels"])
    return {"hidden": hidden, "logits": logits, "loss": loss[None]}


def views(model: torch.nn.Module) -> Iterable[View]:
    prompt = model.bert.prompt_tuning.prompt_tunings["a"].prompt_embedding
    yield View("adapter.encoder.embeddings.prompt", prompt.weight)


def main() -> None:
    for name, (settings, kind) in CASES.items():
        configuration = PromptTuningConfig(prompt_length=LENGTH, **settings)
        model = bottleneck.build(configuration, head_layers=1)
        inputs = methods.labelled_inputs(model, SEED)
        if kind == "tagging":
            model.delete_head("a")
            model.add_tagging_head("a", num_labels=methods.LABELS)
            inputs["labels"] = torch.randint(
                0, methods.LABELS, inputs["ids"].shape, generator=common.generator(SEED))
            inputs["labels"][::3] = common.IGNORED_LABEL
        for part in ["prompt_tunings", "heads.a."]:
            common.randomise(model, SEED, only=part)
        tensors = methods.run(
            model, [*views(model), *methods.head_views(model)], inputs,
            lambda: forward(model, inputs, configuration.combine, kind))
        written = ",".join(f"{k}={v}" for k, v in {"prompt_length": LENGTH, **settings}.items())
        methods.save(
            f"prompt/{name}.safetensors", inputs | tensors, SEED,
            f"prompt_tuning[{written}]", configuration.to_dict(), head=kind)


if __name__ == "__main__":
    main()

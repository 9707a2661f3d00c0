"""Classification with AdapterHub's `adapters` on a tiny T5 model (run t5.py first).

Writes t5_heads/<case>.safetensors as methods.py describes. The decoder reads the source's tokens one place later,
and the head the decoder's state where the source ends with its end token.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from adapters import AutoAdapterModel, LoRAConfig, SeqBnConfig

import bottleneck
import common
import methods
import t5_adapters
from methods import View

SEED = 15
MODEL = "t5/v1_0"
CASES: dict[str, tuple[str, Any, int]] = {
    "seq_bn": ("seq_bn[reduction_factor=4]", SeqBnConfig(reduction_factor=4), 2),
    "lora": ("lora[r=2,alpha=3]", LoRAConfig(r=2, alpha=3), 1),
}


def build(configuration: Any, head_layers: int) -> torch.nn.Module:
    model = AutoAdapterModel.from_pretrained(common.FIXTURES / MODEL, attn_implementation="eager")
    model.add_adapter("a", config=configuration)
    model.add_classification_head("a", num_labels=bottleneck.LABELS, layers=head_layers)
    model.train_adapter("a")
    return model.eval()


def views(model: torch.nn.Module) -> Iterable[View]:
    for key, parameter in sorted(model.named_parameters()):
        if parameter.requires_grad and not key.startswith("heads."):
            yield View(t5_adapters.name(key.removeprefix("transformer.")), parameter)
    yield from methods.head_views(model)


def inputs(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Rows that end with the end token and have no other."""
    rows = methods.labelled_inputs(model, SEED)
    del rows["type_ids"]
    end = model.config.eos_token_id
    rows["ids"][rows["ids"] == end] = end + 1
    rows["ids"][rows["lengths"].cumsum(0) - 1] = end
    return rows


def forward(model: torch.nn.Module, rows: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    lengths = rows["lengths"]
    output = model(
        input_ids=common.padded(rows["ids"], lengths),
        attention_mask=common.padded(torch.ones_like(rows["ids"]), lengths),
        output_hidden_states=True)
    hidden = common.ragged(output.decoder_hidden_states[-1], lengths)
    loss = torch.nn.functional.cross_entropy(output.logits, rows["labels"])
    return {"hidden": hidden, "logits": output.logits, "loss": loss[None]}


def main() -> None:
    for case, (expression, configuration, head_layers) in CASES.items():
        model = build(configuration, head_layers)
        for part in [".adapters.a.", ".loras.a.", "heads.a."]:
            common.randomise(model, SEED, only=part)
        rows = inputs(model)
        tensors = methods.run(model, list(views(model)), rows, lambda: forward(model, rows))
        own = None if case == "lora" else configuration.to_dict()
        methods.save(
            f"t5_heads/{case}.safetensors", rows | tensors, SEED, expression, own, head_layers,
            model=MODEL)


if __name__ == "__main__":
    main()

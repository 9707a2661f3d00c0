"""Adapter methods of AdapterHub's `adapters` on the tiny T5 models (run t5.py first).

Writes t5_adapters/<case>.safetensors as methods.py describes, with the loss of the target tokens instead of a
head's. Metadata `model` names the model.

The reference counts a prefix's keys as tokens in front of a row, which moves the distances of all its own; here
they are left as they are (`own_distances`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import adapters
import torch
from adapters import DoubleSeqBnConfig, LoRAConfig, ParBnConfig, PrefixTuningConfig, SeqBnConfig
from transformers import T5ForConditionalGeneration

import common
import methods
import prefix_tuning
import t5
from methods import View

SEED = 14
ROLES = ["query", "key", "value", "cross_query", "cross_key", "cross_value", "up", "down"]
EVERYWHERE = {"intermediate_lora": True, "output_lora": True, "attn_matrices": ["q", "k", "v"]}
NAMES = ",".join(f'"{role}"' for role in ROLES)
LORA = (f"lora[r=2,alpha=3,target_modules=[{NAMES}]]", LoRAConfig(r=2, alpha=3, **EVERYWHERE))
BOTTLENECKS = {
    "seq_bn": ("seq_bn[reduction_factor=4]", SeqBnConfig(reduction_factor=4)),
    "double_seq_bn": ("double_seq_bn[reduction_factor=4]", DoubleSeqBnConfig(reduction_factor=4)),
    "cross_adapter": (
        "double_seq_bn[reduction_factor=4,cross_adapter=true]",
        DoubleSeqBnConfig(reduction_factor=4, cross_adapter=True)),
    "par_bn": ("par_bn[reduction_factor=4]", ParBnConfig(reduction_factor=4)),
}
PREFIXES = {
    "prefix_tuning": (
        "prefix_tuning[prefix_length=3,bottleneck_size=6]",
        PrefixTuningConfig(**prefix_tuning.SHORT)),
    "prefix_tuning_decoder": (
        "prefix_tuning_flat[prefix_length=2,encoder_prefix=false]",
        PrefixTuningConfig(flat=True, prefix_length=2, encoder_prefix=False)),
}
CASES: dict[str, tuple[str, tuple[str, Any]]] = {
    **{name: ("t5/v1_1", case) for name, case in (BOTTLENECKS | PREFIXES).items()},
    "lora": ("t5/v1_1", ("lora[r=2,alpha=3]", LoRAConfig(r=2, alpha=3))),
    "lora_everywhere": ("t5/v1_0", LORA),
    "lora_everywhere_gated": ("t5/v1_1", LORA),
}

#: Graft's names of the reference's parameters; each rule that fits is applied once.
RULES = [(re.compile(pattern), name) for pattern, name in [
    (r"^(encoder|decoder)\.block\.", r"adapter.\1."),
    (r"\.layer\.0\.adapters\.a\.", ".attention."),
    (r"^(adapter\.encoder\.\d+)\.layer\.1\.adapters\.a\.", r"\1.feed_forward."),
    (r"\.layer\.1\.adapters\.a\.", ".cross."), (r"\.layer\.2\.adapters\.a\.", ".feed_forward."),
    (r"adapter_down\.0", "down"), (r"adapter_up", "up"),
    (r"\.layer\.\d\.SelfAttention\.q\.loras\.a\.", ".query."),
    (r"\.layer\.\d\.SelfAttention\.k\.loras\.a\.", ".key."),
    (r"\.layer\.\d\.SelfAttention\.v\.loras\.a\.", ".value."),
    (r"\.layer\.\d\.EncDecAttention\.q\.loras\.a\.", ".cross_query."),
    (r"\.layer\.\d\.EncDecAttention\.k\.loras\.a\.", ".cross_key."),
    (r"\.layer\.\d\.EncDecAttention\.v\.loras\.a\.", ".cross_value."),
    (r"\.layer\.\d\.DenseReluDense\.wi(?:_1)?\.loras\.a\.", ".up."),
    (r"\.layer\.\d\.DenseReluDense\.wo\.loras\.a\.", ".down."),
]]
#: Where Graft keeps what the reference calls by a place of its own.
PLACES = {
    "encoder_prefix": ("encoder", "self_attention"), "self_prefix": ("decoder", "self_attention"),
    "cross_prefix": ("decoder", "cross_attention"),
}


def name(key: str) -> str:
    for pattern, replacement in RULES:
        key = pattern.sub(replacement, key, count=1)
    assert re.match(r"adapter\.(encoder|decoder)\.\d+\.[\w.]+$", key) and ".a." not in key, key
    return key


def prefix_views(model: torch.nn.Module, configuration: PrefixTuningConfig) -> Iterable[View]:
    """Graft keeps the part of each attention's keys and values with that attention."""
    width = model.config.num_heads * model.config.d_kv
    length = configuration.prefix_length

    def rows(start: int):
        return lambda values: values[start : start + width]

    def columns(start: int):
        return lambda values: values.view(length, -1)[:, start : start + width]

    for place, module in model.prefix_tuning.prefix_tunings["a"].items():
        (tower, role) = PLACES[place]
        layers = getattr(model, tower).block
        if not configuration.flat:
            shared = f"adapter.shared.{tower}.{role}"
            yield View(f"{shared}.embedding", module.wte.weight)
            yield from methods.linear_views(f"{shared}.down", module.control_trans[0])
        for layer in range(len(layers)):
            for offset, part in [(0, "key"), (1, "value")]:
                (start, site) = ((2 * layer + offset) * width, f"adapter.{tower}.{layer}.{role}")
                if configuration.flat:
                    yield View(f"{site}.{part}", module.control_trans, columns(start))
                else:
                    last = module.control_trans[2]
                    yield View(f"{site}.{part}.weight", last.weight, rows(start))
                    yield View(f"{site}.{part}.bias", last.bias, rows(start))


def views(model: torch.nn.Module, configuration: Any) -> Iterable[View]:
    if isinstance(configuration, PrefixTuningConfig):
        yield from prefix_views(model, configuration)
        return
    for key, parameter in sorted(model.named_parameters()):
        if parameter.requires_grad:
            yield View(name(key), parameter)


def own_distances(attention: torch.nn.Module) -> None:
    """Lets an attention's biases by distance be those of a row's own tokens, and none for a prefix."""
    compute = attention.compute_bias

    def compute_bias(query_length: torch.Tensor, key_length: int, **settings: Any) -> torch.Tensor:
        length = int(query_length)
        bias = compute(length, length, **settings)
        return torch.nn.functional.pad(bias, (key_length - length, 0))

    attention.compute_bias = compute_bias


def build(folder: str, configuration: Any) -> torch.nn.Module:
    model = T5ForConditionalGeneration.from_pretrained(
        common.FIXTURES / folder, attn_implementation="eager")
    adapters.init(model)
    model.add_adapter("a", config=configuration)
    model.train_adapter("a")
    for module in model.modules():
        if getattr(module, "has_relative_attention_bias", False):
            own_distances(module)
    return model.eval()


def forward(
    model: torch.nn.Module, rows: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Hidden states and logits of the real target tokens, and their mean loss."""
    lengths = rows["target.lengths"]
    output = model(**t5.arguments(rows), output_hidden_states=True)
    hidden = common.ragged(output.decoder_hidden_states[-1], lengths)
    logits = common.ragged(output.logits, lengths)
    loss = torch.nn.functional.cross_entropy(logits, rows["labels"])
    return {"hidden": hidden, "logits": logits, "loss": loss[None]}


def inputs(vocabulary: int) -> dict[str, torch.Tensor]:
    """Rows whose targets the decoder reads one place later, behind the start token."""
    rows = t5.inputs(vocabulary)
    labels = rows["target.ids"].split(t5.TARGET_LENGTHS)
    shifted = [torch.cat([torch.zeros(1, dtype=torch.long), row[:-1]]) for row in labels]
    return rows | {"labels": rows["target.ids"], "target.ids": torch.cat(shifted)}


def main() -> None:
    for case, (folder, (expression, configuration)) in CASES.items():
        model = build(folder, configuration)
        for part in [".adapters.a.", ".loras.a.", "prefix_tuning"]:
            common.randomise(model, SEED, only=part)
        rows = inputs(model.config.vocab_size)
        tensors = methods.run(
            model, list(views(model, configuration)), rows, lambda: forward(model, rows))
        own = None if case.startswith("lora") else configuration.to_dict()
        methods.save(
            f"t5_adapters/{case}.safetensors", rows | tensors, SEED, expression, own, model=folder)


if __name__ == "__main__":
    main()

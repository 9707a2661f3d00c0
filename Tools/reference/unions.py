"""Unions of methods of AdapterHub's `adapters` on the tiny model bert/h16 (run bert.py first).

Writes unions/<case>.safetensors. Cases with gating are computed row by row: the reference averages
its gates over padding, too.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from adapters import (
    ConfigUnion, LoRAConfig, ParBnConfig, PrefixTuningConfig, SeqBnConfig,
)

import bottleneck
import common
import methods
import prefix_tuning
from methods import View

SEED = 7
PREFIX = "prefix_length=3,bottleneck_size=6"

CASES: dict[str, tuple[ConfigUnion, str]] = {
    "mam": (
        ConfigUnion(
            PrefixTuningConfig(**prefix_tuning.SHORT), ParBnConfig(reduction_factor=4)),
        f"prefix_tuning[{PREFIX}]|par_bn[reduction_factor=4]",
    ),
    "unipelt": (
        ConfigUnion(
            PrefixTuningConfig(use_gating=True, **prefix_tuning.SHORT),
            SeqBnConfig(use_gating=True, reduction_factor=4),
            LoRAConfig(use_gating=True, r=2, alpha=2)),
        f"prefix_tuning[{PREFIX},use_gating=true] | seq_bn[reduction_factor=4,use_gating=true]"
        " | lora[r=2,alpha=2,use_gating=true]",
    ),
}


def bottleneck_views(layer: torch.nn.Module, number: int) -> Iterable[View]:
    module = layer.output.adapters["a"]
    site = f"adapter.encoder.{number}.feed_forward"
    yield from methods.linear_views(f"{site}.down", module.adapter_down[0])
    yield from methods.linear_views(f"{site}.up", module.adapter_up)
    if module.use_gating:
        yield from methods.linear_views(f"{site}.gate", module.gate)


def lora_views(layer: torch.nn.Module, number: int) -> Iterable[View]:
    for role in ["query", "value"]:
        module = getattr(layer.attention.self, role).loras["a"]
        site = f"adapter.encoder.{number}.{role}"
        yield View(f"{site}.lora_A", module.lora_A)
        yield View(f"{site}.lora_B", module.lora_B)
        yield from methods.linear_views(f"{site}.gate", module.gate)


def of_member(number: int, views: Iterable[View]) -> Iterable[View]:
    """The parameters of a member of a union: its number follows what says where they belong."""
    for view in views:
        parts = view.name.split(".")
        place = 2 if parts[1] == "shared" else 4
        name = ".".join([*parts[:place], str(number), *parts[place:]])
        yield View(name, view.parameter, view.part)


def views(model: torch.nn.Module, configuration: ConfigUnion) -> Iterable[View]:
    layers = list(enumerate(model.bert.encoder.layer))
    yield from of_member(0, prefix_tuning.views(model, configuration[0]))
    yield from of_member(1, (v for i, layer in layers for v in bottleneck_views(layer, i)))
    if len(configuration.configs) > 2:
        yield from of_member(2, (v for i, layer in layers for v in lora_views(layer, i)))


def main() -> None:
    for name, (configuration, expression) in CASES.items():
        model = bottleneck.build(configuration, head_layers=1)
        for part in ["prefix_tuning", "prefix_gates", ".adapters.a.", ".loras.a.", "heads.a."]:
            common.randomise(model, SEED, only=part)
        inputs = methods.labelled_inputs(model, SEED)
        tensors = methods.run(
            model, [*views(model, configuration), *methods.head_views(model)], inputs,
            lambda: bottleneck.forward(model, inputs, by_row=name == "unipelt"))
        methods.save(f"unions/{name}.safetensors", inputs | tensors, SEED, expression, None)


if __name__ == "__main__":
    main()

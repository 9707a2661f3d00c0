"""Prefix tuning of AdapterHub's `adapters` on the tiny model bert/h16 (run bert.py first).

Writes prefix/<case>.safetensors. Cases with gating are computed row by row: the reference averages
its gate over padding, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from adapters import PrefixTuningConfig

import bottleneck
import common
import methods
from methods import View

SEED = 5
SHORT = {"prefix_length": 3, "bottleneck_size": 6}

CASES: dict[str, tuple[dict[str, Any], int]] = {
    "prefix_tuning": ({}, 2),
    "prefix_tuning_flat": ({"flat": True}, 2),
    "leave_out_first": ({"leave_out": [0]}, 1),
    "leave_out_last": ({"leave_out": [1], "flat": True}, 1),
    "relu": ({"non_linearity": "relu"}, 1),
    "gating": ({"use_gating": True}, 1),
    "gating_own": ({"use_gating": True, "shared_gating": False}, 1),
    "gating_flat": ({"use_gating": True, "flat": True}, 1),
}


def expression(configuration: PrefixTuningConfig, settings: dict[str, Any]) -> str:
    preset = "prefix_tuning_flat" if configuration.flat else "prefix_tuning"
    changed = {k: v for k, v in (SHORT | settings).items() if k != "flat"}
    written = ",".join(f"{k}={str(v).lower().replace(' ', '')}" for k, v in changed.items())
    return f"{preset}[{written}]"


def views(model: torch.nn.Module, configuration: PrefixTuningConfig) -> Iterable[View]:
    """Graft keeps the part of each attention's keys and values with that attention."""
    (module,) = model.base_model.prefix_tuning.prefix_tunings["a"].values()
    layers = [i for i in range(model.config.num_hidden_layers) if i not in configuration.leave_out]
    width = model.config.hidden_size
    shared = "adapter.shared.encoder.self_attention"

    def rows(start: int):
        return lambda values: values[start : start + width]

    def columns(start: int):
        return lambda values: values.view(configuration.prefix_length, -1)[:, start : start + width]

    if not configuration.flat:
        yield View(f"{shared}.embedding", module.wte.weight)
        yield from methods.linear_views(f"{shared}.down", module.control_trans[0])
    for place, layer in enumerate(layers):
        site = f"adapter.encoder.{layer}.self_attention"
        for offset, name in [(0, "key"), (1, "value")]:
            start = (2 * place + offset) * width
            if configuration.flat:
                yield View(f"{site}.{name}", module.control_trans, columns(start))
            else:
                last = module.control_trans[2]
                yield View(f"{site}.{name}.weight", last.weight, rows(start))
                yield View(f"{site}.{name}.bias", last.bias, rows(start))
        if configuration.use_gating:
            attention = model.bert.encoder.layer[layer].attention.self
            yield from methods.linear_views(
                f"{site}.gate", attention.prefix_tuning.prefix_gates["a"])


def main() -> None:
    for name, (settings, head_layers) in CASES.items():
        configuration = PrefixTuningConfig(**SHORT | settings)
        model = bottleneck.build(configuration, head_layers)
        for part in ["prefix_tuning", "prefix_gates", "heads.a."]:
            common.randomise(model, SEED, only=part)
        inputs = methods.labelled_inputs(model, SEED)
        tensors = methods.run(
            model, [*views(model, configuration), *methods.head_views(model)], inputs,
            lambda: bottleneck.forward(model, inputs, by_row=configuration.use_gating))
        methods.save(
            f"prefix/{name}.safetensors", inputs | tensors, SEED,
            expression(configuration, settings), configuration.to_dict(), head_layers)


if __name__ == "__main__":
    main()

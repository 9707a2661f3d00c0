"""Compacter of AdapterHub's `adapters` on the tiny model bert/h16 (run bert.py first).

Writes compacter/<case>.safetensors. The reduction factor is 4 where not said otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from adapters import BnConfig, CompacterConfig, CompacterPlusPlusConfig
from adapters.methods.modeling import PHMLayer

import bottleneck
import common
import methods
from methods import View

SEED = 9
PRESETS = {"compacter": CompacterConfig, "compacter++": CompacterPlusPlusConfig}

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "compacter": ("compacter", {}),
    "compacter_plus_plus": ("compacter++", {}),
    "own_rules": ("compacter", {"shared_phm_rule": False}),
    "own_rules_factorized": (
        "compacter++", {"shared_phm_rule": False, "factorized_phm_rule": True}),
    "rules_factorized": ("compacter++", {"factorized_phm_rule": True}),
    "whole_weights": ("compacter", {"factorized_phm_W": False}),
    "shared_weights": ("compacter", {"shared_W_phm": True}),
    "shared_weights_only": ("compacter++", {"shared_W_phm": True, "shared_phm_rule": False}),
    "rank_three": ("compacter++", {"phm_rank": 3}),
    "dimension_two": ("compacter", {"phm_dim": 2, "phm_rank": 2}),
    "no_bias": ("compacter++", {"phm_bias": False}),
    "ln_before_parallel": ("compacter++", {"is_parallel": True, "ln_before": True, "scaling": 2.0}),
}


def rule_views(name: str, owner: Any) -> Iterable[View]:
    """The rules among the parameters of a layer, or of what all adapters share."""
    parameters = dict(owner.named_parameters()) if isinstance(owner, PHMLayer) else owner
    for suffix in ["", "_left", "_right"]:
        if f"phm_rule{suffix}" in parameters:
            yield View(f"{name}.rule{suffix}", parameters[f"phm_rule{suffix}"])


def layer_views(name: str, layer: PHMLayer) -> Iterable[View]:
    yield from rule_views(name, layer)
    for theirs, ours in [("W_left", "left"), ("W_right", "right"), ("W", "weight"), ("b", "bias")]:
        if getattr(layer, theirs, None) is not None:
            yield View(f"{name}.{ours}", getattr(layer, theirs))


def views(model: torch.nn.Module, configuration: BnConfig) -> Iterable[View]:
    if "a" in model.bert.shared_parameters:
        shared = model.bert.shared_parameters["a"]
        yield from rule_views("adapter.shared", shared)
        for place in ["down", "up"]:
            for side in ["left", "right"]:
                if f"W_{place}_{side}" in shared:
                    yield View(f"adapter.shared.{place}.{side}", shared[f"W_{place}_{side}"])
    for index, layer in enumerate(model.bert.encoder.layer):
        places = {"attention": layer.attention.output, "feed_forward": layer.output}
        for place, output in places.items():
            if "a" not in output.adapters:
                continue
            module, site = output.adapters["a"], f"adapter.encoder.{index}.{place}"
            if configuration.ln_before:
                yield View(f"{site}.norm_before.weight", module.adapter_norm_before.weight)
                yield View(f"{site}.norm_before.bias", module.adapter_norm_before.bias)
            down = module.adapter_down[1 if configuration.ln_before else 0]
            yield from layer_views(f"{site}.down", down)
            yield from layer_views(f"{site}.up", module.adapter_up)


def main() -> None:
    for name, (preset, settings) in CASES.items():
        settings = {"reduction_factor": 4} | settings
        configuration = PRESETS[preset](**settings)
        model = bottleneck.build(configuration, head_layers=1)
        for part in [".adapters.a.", "shared_parameters", "heads.a."]:
            common.randomise(model, SEED, only=part)
        inputs = methods.labelled_inputs(model, SEED)
        tensors = methods.run(
            model, [*views(model, configuration), *methods.head_views(model)], inputs,
            lambda: bottleneck.forward(model, inputs, by_row=False))
        written = ",".join(f"{k}={str(v).lower()}" for k, v in settings.items())
        methods.save(
            f"compacter/{name}.safetensors", inputs | tensors, SEED, f"{preset}[{written}]",
            configuration.to_dict())


if __name__ == "__main__":
    main()

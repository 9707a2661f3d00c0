"""ReFT of AdapterHub's `adapters` on the tiny model bert/h16 (run bert.py first).

Writes reft/<case>.safetensors, row by row: in padded batches the reference takes the last tokens of
the longest row. Two of its defects are avoided here. Rows shorter than `suffix_positions` get the
right states (`scatter`); and orthogonal projections are trained without weight decay, which moves
the diagonal of the parametrised tensor off ±1, so that torch makes the projection zero
(`check_decay_kills`). Their base is the identity, which the parametrisation can do without.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from adapters import DiReftConfig, LoReftConfig, NoReftConfig, ReftConfig
from adapters.context import ForwardContext
from adapters.methods.reft import ReftModule, ReftUnit

import bottleneck
import common
import methods
from methods import View

SEED = 8
PRESETS = {"loreft": LoReftConfig, "noreft": NoReftConfig, "direft": DiReftConfig}

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "loreft": ("loreft", {}),
    "loreft_rank_three": ("loreft", {"r": 3, "suffix_positions": 1}),
    "loreft_tied": ("loreft", {"r": 2, "suffix_positions": 2, "tied_weights": True}),
    "noreft": ("noreft", {"r": 2}),
    "noreft_suffix": ("noreft", {"prefix_positions": 0, "suffix_positions": 2}),
    "noreft_both": ("noreft", {"prefix_positions": 4, "suffix_positions": 3, "r": 2}),
    "noreft_gelu": ("noreft", {"non_linearity": "gelu", "suffix_positions": 1}),
    "noreft_last_layer": ("noreft", {"layers": [1]}),
    "direft": ("direft", {"r": 2, "suffix_positions": 1}),
}


def scatter(
    self: ReftModule, hidden: torch.Tensor, adapted: list[torch.Tensor]
) -> torch.Tensor:
    """As the reference's, with the positions that a short row really has."""
    context = ForwardContext.get_context()
    states = torch.cat(adapted, dim=1)
    start = 0
    for count, name in [(self.prefix_positions, "pref_idx"), (self.suffix_positions, "suff_idx")]:
        if count > 0:
            index = getattr(context, name)
            hidden = hidden.scatter(1, index, states[:, start : start + index.size(1)])
            start += index.size(1)
    return hidden


def units(model: torch.nn.Module) -> Iterable[tuple[str, ReftUnit]]:
    for index, layer in enumerate(model.bert.encoder.layer):
        if "a" not in layer.reft_layer.refts:
            continue
        module = layer.reft_layer.refts["a"]
        names = ["tied"] if module.tied_weights else ["prefix", "suffix"]
        for name, unit in zip(names, module.units, strict=True):
            yield f"adapter.encoder.{index}.block.{name}", unit


def views(model: torch.nn.Module) -> Iterable[View]:
    for name, unit in units(model):
        yield from methods.linear_views(f"{name}.source", unit.learned_source)
        projection = unit.projection
        values = projection.parametrizations.weight.original if unit.orthogonal else projection.weight
        yield View(f"{name}.projection", values)


def make_orthogonal_without_base(unit: ReftUnit) -> None:
    """The form that needs no base: reflections behind a diagonal of ±1."""
    parametrisation = unit.projection.parametrizations.weight
    parametrisation[0].base = torch.eye(parametrisation.original.size(1))
    diagonal = parametrisation.original.data.diagonal()
    diagonal.copy_(torch.where(diagonal < 0, -1.0, 1.0))


def check_decay_kills() -> None:
    model = bottleneck.build(LoReftConfig(), head_layers=1)
    unit = next(units(model))[1]
    optimizer = torch.optim.AdamW(unit.parameters(), **bottleneck.OPTIMIZER)
    assert unit.projection.weight.norm() > 0.9
    unit(torch.ones(1, 16)).sum().backward()
    optimizer.step()
    assert unit.projection.weight.norm() == 0


def main() -> None:
    check_decay_kills()
    ReftModule._scatter_adapted_states = scatter
    for name, (preset, settings) in CASES.items():
        configuration: ReftConfig = PRESETS[preset](**settings)
        model = bottleneck.build(configuration, head_layers=1)
        for part in [".refts.a.", "heads.a."]:
            common.randomise(model, SEED, only=part)
        if configuration.orthogonality:
            for _, unit in units(model):
                make_orthogonal_without_base(unit)
        inputs = methods.labelled_inputs(model, SEED)
        weight_decay = 0.0 if configuration.orthogonality else 0.01
        tensors = methods.run(
            model, [*views(model), *methods.head_views(model)], inputs,
            lambda: bottleneck.forward(model, inputs, by_row=True), weight_decay)
        written = ",".join(f"{k}={str(v).lower().replace(' ', '')}" for k, v in settings.items())
        stored = configuration.to_dict() | {
            "subtract_projection": configuration.subtract_projection}
        methods.save(
            f"reft/{name}.safetensors", inputs | tensors, SEED, f"{preset}[{written}]", stored,
            weight_decay=weight_decay)


if __name__ == "__main__":
    main()

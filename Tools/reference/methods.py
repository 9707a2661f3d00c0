"""What the scripts for adapter methods besides bottlenecks share.

A fixture of a method names parameters as Graft does. Where Graft lays a parameter of the reference
out differently, a `View` says how: gradients and values after training are cut in the same way,
which AdamW, working element by element, allows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch

import bottleneck
import common

LABELS = bottleneck.LABELS


@dataclass
class View:
    """A parameter of the reference, as a whole or in part, under Graft's name."""

    name: str
    parameter: torch.nn.Parameter
    part: Callable[[torch.Tensor], torch.Tensor] = lambda values: values


def head_views(model: torch.nn.Module) -> Iterable[View]:
    """The classification head `a`, whose linear layers Graft numbers from 0."""
    layers = [layer for layer in model.heads["a"] if isinstance(layer, torch.nn.Linear)]
    for index, layer in enumerate(layers):
        yield View(f"head.{index}.weight", layer.weight)
        yield View(f"head.{index}.bias", layer.bias)


def linear_views(name: str, layer: torch.nn.Linear) -> Iterable[View]:
    yield View(f"{name}.weight", layer.weight)
    if layer.bias is not None:
        yield View(f"{name}.bias", layer.bias)


def run(
    model: torch.nn.Module,
    views: list[View],
    inputs: dict[str, torch.Tensor],
    forward: Callable[[], dict[str, torch.Tensor]],
    weight_decay: float = 0.01,
    after_step: Callable[[int], None] = lambda step: None,
) -> dict[str, torch.Tensor]:
    """Everything a case records: start, outputs, gradients, ten steps of AdamW.

    `after_step` is told the number of each step, from 1.
    """
    trained = {id(view.parameter): view.parameter for view in views}
    wanted = {id(p) for p in model.parameters() if p.requires_grad}
    assert wanted == trained.keys(), "the views are not the parameters in training"
    tensors = {view.name: view.part(view.parameter.detach()).clone() for view in views}
    assert sum(t.numel() for t in tensors.values()) == sum(p.numel() for p in trained.values())
    settings = bottleneck.OPTIMIZER | {"weight_decay": weight_decay}
    optimizer = torch.optim.AdamW(trained.values(), **settings)
    losses = []
    for step in range(bottleneck.STEPS):
        optimizer.zero_grad()
        outputs = forward()
        outputs["loss"].backward()
        losses.append(outputs["loss"].detach())
        if step == 0:
            tensors |= {name: value.detach() for name, value in outputs.items()}
            tensors |= {
                f"grad.{view.name}": view.part(view.parameter.grad).clone() for view in views}
        optimizer.step()
        after_step(step + 1)
    tensors["losses"] = torch.cat(losses)
    return tensors | {f"after.{view.name}": view.part(view.parameter.detach()) for view in views}


def labelled_inputs(model: torch.nn.Module, seed: int) -> dict[str, torch.Tensor]:
    inputs = common.ragged_inputs(model.config.vocab_size, seed)
    labels = torch.randint(
        0, LABELS, inputs["lengths"].shape, generator=common.generator(seed))
    return inputs | {"labels": labels}


def save(
    path: str,
    tensors: dict[str, torch.Tensor],
    seed: int,
    expression: str,
    configuration: dict[str, Any] | None,
    head_layers: int = 1,
    head: str = "classification",
    weight_decay: float = 0.01,
    **metadata: str,
) -> None:
    """Writes a case with what Graft has to make of it: a method expression.

    `configuration` is the reference's own, where it has one and Graft is to read it alike.
    """
    metadata |= {
        "method": expression, "head": head, "head_layers": str(head_layers),
        "weight_decay": str(weight_decay)}
    if configuration is not None:
        metadata["config"] = json.dumps(configuration)
    common.save(path, tensors, seed, **metadata)

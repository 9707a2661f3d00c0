"""Compositions of AdapterHub's `adapters` on the tiny model bert/h16 (run bert.py first).

Writes compositions/<case>.safetensors: three bottleneck adapters, fused or stacked. In a fusion the
adapters stay as they are (`frozen.<name>`) and the regulariser is a term of the loss, as the paper
has it; the reference adds it one step late.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import adapters.composition as ac
import torch
from adapters import AutoAdapterModel, DoubleSeqBnConfig, DynamicAdapterFusionConfig, SeqBnConfig
from adapters import StaticAdapterFusionConfig

import bottleneck
import common
import methods
from methods import View

SEED = 31
NAMES = ["a", "b", "c"]
MEMBER = "seq_bn[reduction_factor=4]"

FUSIONS = {
    "fuse": (DynamicAdapterFusionConfig(), MEMBER),
    "fuse_static": (StaticAdapterFusionConfig(), MEMBER),
    "fuse_query_before_ln": (DynamicAdapterFusionConfig(query_before_ln=True), MEMBER),
    "fuse_residual_before": (DynamicAdapterFusionConfig(residual_before=True), MEMBER),
    "fuse_value_after_softmax": (
        DynamicAdapterFusionConfig(value_before_softmax=False), MEMBER),
    "fuse_double": (DynamicAdapterFusionConfig(), "double_seq_bn[reduction_factor=4]"),
}


def build(member: str) -> torch.nn.Module:
    model = AutoAdapterModel.from_pretrained(
        common.FIXTURES / "bert" / "h16", attn_implementation="eager")
    for name in NAMES:
        kind = DoubleSeqBnConfig if member.startswith("double") else SeqBnConfig
        model.add_adapter(name, config=kind(reduction_factor=4))
    model.add_classification_head("a", num_labels=methods.LABELS, layers=1)
    return model


def nodes(model: torch.nn.Module) -> Iterable[tuple[str, torch.nn.Module]]:
    for number, layer in enumerate(model.bert.encoder.layer):
        yield f"adapter.encoder.{number}.attention", layer.attention.output
        yield f"adapter.encoder.{number}.feed_forward", layer.output


def member_views(model: torch.nn.Module, names: list[str]) -> Iterable[View]:
    for site, node in nodes(model):
        for number, name in enumerate(names):
            if name not in node.adapters:
                continue
            module = node.adapters[name]
            yield from methods.linear_views(f"{site}.{number}.down", module.adapter_down[0])
            yield from methods.linear_views(f"{site}.{number}.up", module.adapter_up)


def fusion_views(model: torch.nn.Module) -> Iterable[View]:
    for site, node in nodes(model):
        for module in node.adapter_fusion_layer.values():
            for part in ["query", "key", "value"]:
                if hasattr(module, part):
                    yield from methods.linear_views(f"{site}.fusion.{part}", getattr(module, part))


def fused(name: str) -> None:
    configuration, member = FUSIONS[name]
    model = build(member)
    setup = ac.Fuse(*NAMES)
    model.add_adapter_fusion(setup, config=configuration)
    model.train_adapter_fusion(setup)
    model.active_head = "a"
    model.eval()
    # Softmax does not see what all scores share: this bias has no gradient but rounding, which
    # AdamW would blow up.
    for _, node in nodes(model):
        for module in node.adapter_fusion_layer.values():
            module.key.bias.requires_grad_(False)
    # A seed for each: equal adapters would leave nothing to choose between.
    parts = [".adapters.a.", ".adapters.b.", ".adapters.c.", "adapter_fusion_layer", "heads.a."]
    for number, part in enumerate(parts):
        common.randomise(model, SEED + number, only=part)
    inputs = methods.labelled_inputs(model, SEED)

    def forward() -> dict[str, torch.Tensor]:
        outputs = bottleneck.forward(model, inputs, by_row=False)
        if configuration["regularization"]:
            outputs["loss"] = outputs["loss"] + model.get_fusion_regularization_loss()
        return outputs

    views = [*fusion_views(model), *methods.head_views(model)]
    still = [view for view in views if not view.parameter.requires_grad]
    tensors = methods.run(model, [view for view in views if view not in still], inputs, forward)
    frozen = {
        f"frozen.{view.name}": view.parameter.detach()
        for view in [*member_views(model, NAMES), *still]}
    settings = configuration.to_dict() | {"dropout_prob": 0.0}
    save(name, inputs | tensors | frozen, "fuse(a,b,c)", member, settings)


def stacked(name: str, member: str) -> None:
    model = build(member)
    setup = ac.Stack("a", "b")
    model.train_adapter(setup)
    model.active_head = "a"
    model.eval()
    for number, part in enumerate([".adapters.a.", ".adapters.b.", "heads.a."]):
        common.randomise(model, SEED + number, only=part)
    inputs = methods.labelled_inputs(model, SEED)
    tensors = methods.run(
        model, [*member_views(model, ["a", "b"]), *methods.head_views(model)], inputs,
        lambda: bottleneck.forward(model, inputs, by_row=False))
    save(name, inputs | tensors, "stack(a,b)", member, None)


def save(name: str, tensors: dict, composition: str, member: str, fusion: dict | None) -> None:
    common.save(
        f"compositions/{name}.safetensors", tensors, SEED, composition=composition,
        member=member, fusion=json.dumps(fusion))


def main() -> None:
    for name in FUSIONS:
        fused(name)
    stacked("stack", MEMBER)
    stacked("stack_double", "double_seq_bn[reduction_factor=4]")


if __name__ == "__main__":
    main()

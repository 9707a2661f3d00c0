"""Invertible adapters of AdapterHub's `adapters` on the tiny model bert/h16 (run bert.py first).

Writes invertible/<case>.safetensors. The reference's GLOW never runs one of its two networks and
cannot be inverted; here it is replaced by `Glow`, which follows the block of FrEIA that the
reference was taken from: y1 = e(s2(x2)) x1 + t2(x2), y2 = e(s1(y1)) x2 + t1(y1). Each case also has
`embedded`, hidden states, and `inverse`, what the inverse makes of them, in float64.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from adapters import BnConfig, DoubleSeqBnInvConfig, SeqBnInvConfig, model_mixin
from adapters.methods import modeling

import bottleneck
import common
import methods
import unions
from methods import View

SEED = 10
PRESETS = {"seq_bn_inv": SeqBnInvConfig, "double_seq_bn_inv": DoubleSeqBnInvConfig}

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "nice": ("seq_bn_inv", {}),
    "nice_double": ("double_seq_bn_inv", {"inv_adapter_reduction_factor": 4}),
    "glow": ("seq_bn_inv", {"inv_adapter": "glow"}),
    "glow_swish": ("seq_bn_inv", {"inv_adapter": "glow", "non_linearity": "swish"}),
}


class Glow(modeling.GLOWCouplingBlock):
    """The reference's parameters with the intended function."""

    def forward(self, x: torch.Tensor, c: Any = (), rev: bool = False) -> torch.Tensor:
        x1, x2 = x.split([self.split_len1, self.split_len2], dim=-1)
        if not rev:
            s2, t2 = self.s2(x2).split(self.split_len1, dim=-1)
            y1 = self.e(s2) * x1 + t2
            s1, t1 = self.s1(y1).split(self.split_len2, dim=-1)
            return torch.cat([y1, self.e(s1) * x2 + t1], dim=-1)
        s1, t1 = self.s1(x1).split(self.split_len2, dim=-1)
        y2 = (x2 - t1) / self.e(s1)
        s2, t2 = self.s2(y2).split(self.split_len1, dim=-1)
        return torch.cat([(x1 - t2) / self.e(s2), y2], dim=-1)


def views(model: torch.nn.Module) -> Iterable[View]:
    module = model.bert.invertible_adapters["a"]
    is_glow = isinstance(module, Glow)
    networks = {
        "first": module.s2 if is_glow else module.F, "second": module.s1 if is_glow else module.G}
    for name, network in networks.items():
        site = f"adapter.encoder.embeddings.{name}"
        yield from methods.linear_views(f"{site}.down", network[0])
        yield from methods.linear_views(f"{site}.up", network[2])
    for index, block in enumerate(model.bert.encoder.layer):
        if "a" in block.attention.output.adapters:
            adapter, site = block.attention.output.adapters["a"], f"adapter.encoder.{index}.attention"
            yield from methods.linear_views(f"{site}.down", adapter.adapter_down[0])
            yield from methods.linear_views(f"{site}.up", adapter.adapter_up)
        yield from unions.bottleneck_views(block, index)


def inverse(model: torch.nn.Module, hidden: torch.Tensor) -> torch.Tensor:
    module = model.bert.invertible_adapters["a"].double()
    result = module(hidden.double(), rev=True)
    assert (module(result) - hidden.double()).abs().max() < 1e-12
    module.float()
    return result.float()


def main() -> None:
    model_mixin.GLOWCouplingBlock = Glow
    for name, (preset, settings) in CASES.items():
        settings = {"reduction_factor": 4} | settings
        configuration: BnConfig = PRESETS[preset](**settings)
        model = bottleneck.build(configuration, head_layers=1)
        for part in [".adapters.a.", "invertible_adapters.a.", "heads.a."]:
            common.randomise(model, SEED, only=part)
        inputs = methods.labelled_inputs(model, SEED)
        states = torch.randn(5, 16, generator=common.generator(SEED))
        with torch.no_grad():
            inputs |= {"embedded": states, "inverse": inverse(model, states[None])[0]}
        tensors = methods.run(
            model, [*views(model), *methods.head_views(model)], inputs,
            lambda: bottleneck.forward(model, inputs, by_row=False))
        written = ",".join(f"{k}={v}" for k, v in settings.items())
        methods.save(
            f"invertible/{name}.safetensors", inputs | tensors, SEED, f"{preset}[{written}]",
            configuration.to_dict())


if __name__ == "__main__":
    main()

"""Bottleneck adapters of AdapterHub's `adapters` on the tiny model bert/h16 (run bert.py first).

Writes bottleneck/<case>.safetensors: parameters, outputs, gradients and ten training steps for each
preset and each placement setting. Cases with gating are computed row by row: the reference averages
its gate over padding, too, so that a row's result would depend on the longest row of its batch.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from adapters import (
    AdapterConfig, AdapterPlusConfig, AutoAdapterModel, BnConfig, DoubleSeqBnConfig, ParBnConfig,
    SeqBnConfig,
)

import common

SEED = 2
STEPS = 10
LABELS = 3
OPTIMIZER = {"lr": 1e-2, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01}

PRESETS: dict[str, Callable[..., BnConfig]] = {
    "seq_bn": SeqBnConfig,
    "double_seq_bn": DoubleSeqBnConfig,
    "par_bn": ParBnConfig,
    "scaled_par_bn": partial(ParBnConfig, scaling="learned"),
    "adapter_plus": AdapterPlusConfig,
}


@dataclass
class Case:
    """One adapter configuration: a preset and the settings that differ from it."""

    preset: str
    settings: dict[str, Any] = field(default_factory=dict)
    default_factor: bool = False
    head_layers: int = 1

    def configuration(self) -> BnConfig:
        # The tiny model is 16 wide: a factor of 4 leaves a bottleneck of 4.
        settings = {} if self.default_factor else {"reduction_factor": 4}
        if self.preset == "adapter_plus":
            # Random by nature, so nothing to compare; and it would need torchvision.
            settings["stochastic_depth"] = 0.0
        return PRESETS[self.preset](**settings | self.settings)


def cases() -> dict[str, Case]:
    found = {preset: Case(preset, head_layers=2) for preset in PRESETS}
    for preset in ["seq_bn", "par_bn", "adapter_plus"]:
        found[f"{preset}_default_factor"] = Case(preset, default_factor=True)
    for name, settings in {
        "ln_before": {"ln_before": True},
        "ln_after": {"ln_after": True},
        "adapter_residual_before_ln": {"ln_after": True, "adapter_residual_before_ln": True},
        "factor_map": {"reduction_factor": {"1": 2, "default": 8}},
        "leave_out": {"leave_out": [0]},
        "scaling_learned": {"scaling": "learned"},
        "scaling_channel": {"scaling": "channel"},
        "gating": {"use_gating": True},
        "parallel": {"is_parallel": True},
    }.items():
        for preset in ["seq_bn", "double_seq_bn"]:
            found[f"{preset}_{name}"] = Case(preset, settings)
    # Only with the model's norm before the adapter do the residual's places differ.
    residuals = {
        "residual_after_ln": {"residual_before_ln": False},
        "residual_post_add": {"residual_before_ln": "post_add"},
        "no_final_ln": {"original_ln_after": False, "residual_before_ln": False},
    }
    for name, settings in residuals.items():
        found[f"seq_bn_{name}"] = Case("seq_bn", settings)
        found[f"double_seq_bn_{name}"] = Case(
            "double_seq_bn", {"original_ln_before": True, **settings})
    found["seq_bn_no_ln_before"] = Case("seq_bn", {"original_ln_before": False})
    found["double_seq_bn_original_ln_before"] = Case("double_seq_bn", {"original_ln_before": True})
    attention_only = {"mh_adapter": True, "output_adapter": False}
    found["seq_bn_attention_only"] = Case("seq_bn", attention_only)
    found["double_seq_bn_attention_only"] = Case("double_seq_bn", {"output_adapter": False})
    found["par_bn_attention_only"] = Case("par_bn", attention_only)
    found["par_bn_both"] = Case("par_bn", {"mh_adapter": True})
    found["par_bn_ln_before_and_after"] = Case("par_bn", {"ln_before": True, "ln_after": True})
    found["par_bn_no_final_ln"] = Case("par_bn", {"original_ln_after": False})
    found["par_bn_scaling_channel"] = Case("par_bn", {"scaling": "channel"})
    found["par_bn_scaling_2_5"] = Case("par_bn", {"scaling": 2.5})
    found["par_bn_gating"] = Case("par_bn", {"use_gating": True})
    found["scaled_par_bn_gating"] = Case("scaled_par_bn", {"use_gating": True})
    found["seq_bn_scaling_half"] = Case("seq_bn", {"scaling": 0.5})
    # The preset itself has relu.
    for name in ["gelu", "gelu_new", "swish", "tanh", "leakyrelu"]:
        found[f"seq_bn_{name}"] = Case("seq_bn", {"non_linearity": name})
    for name in ["mam_adapter", "houlsby"]:
        found[f"seq_bn_init_{name}"] = Case("seq_bn", {"init_weights": name})
    return found


def build(
    configuration: AdapterConfig | dict[str, Any], head_layers: int, folder: str = "bert/h16"
) -> torch.nn.Module:
    """The model with adapter and classification head `a`, both in training, the rest frozen."""
    model = AutoAdapterModel.from_pretrained(common.FIXTURES / folder, attn_implementation="eager")
    if isinstance(configuration, dict):
        configuration = AdapterConfig.load(configuration)
    model.add_adapter("a", config=configuration)
    model.add_classification_head("a", num_labels=LABELS, layers=head_layers)
    model.train_adapter("a")
    return model.eval()


def trained(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    """The parameters in training, as `adapter.<key>` and `head.<key>` with AdapterHub's keys."""
    found, seen = {}, set()
    # Like the reference's files, this lists tensors under all their names.
    for name, parameter in sorted(model.named_parameters(remove_duplicate=False)):
        # `adapter_down.0` is the name of this norm's place; the other one is an alias.
        if not parameter.requires_grad or ".adapter_norm_before." in name:
            continue
        assert id(parameter) not in seen, name
        seen.add(id(parameter))
        if name.startswith("heads.a."):
            found["head." + name.removeprefix("heads.a.")] = parameter
        else:
            found["adapter." + name.removeprefix("bert.")] = parameter
    assert len(seen) == sum(p.requires_grad for p in model.parameters())
    return found


def forward(
    model: torch.nn.Module, inputs: dict[str, torch.Tensor], by_row: bool
) -> dict[str, torch.Tensor]:
    """Hidden states of the real tokens, logits, and the loss averaged over rows."""
    if by_row:
        outputs = [model(**row, output_hidden_states=True) for row in common.row_inputs(inputs)]
        hidden = torch.cat([output.hidden_states[-1][0] for output in outputs])
        logits = torch.cat([output.logits for output in outputs])
    else:
        output = model(**common.padded_inputs(inputs), output_hidden_states=True)
        hidden = common.ragged(output.hidden_states[-1], inputs["lengths"])
        logits = output.logits
    loss = torch.nn.functional.cross_entropy(logits, inputs["labels"])
    return {"hidden": hidden, "logits": logits, "loss": loss[None]}


def run(
    model: torch.nn.Module, inputs: dict[str, torch.Tensor], by_row: bool
) -> dict[str, torch.Tensor]:
    """Everything a case records of `model`, whose parameters are trained on the way."""
    parameters = trained(model)
    tensors = {name: value.detach().clone() for name, value in parameters.items()}
    optimizer = torch.optim.AdamW(parameters.values(), **OPTIMIZER)
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        outputs = forward(model, inputs, by_row)
        outputs["loss"].backward()
        losses.append(outputs["loss"].detach())
        if step == 0:
            tensors |= {name: value.detach() for name, value in outputs.items()}
            tensors |= {f"grad.{name}": p.grad.clone() for name, p in parameters.items()}
        optimizer.step()
    tensors["losses"] = torch.cat(losses)
    return tensors | {f"after.{name}": p.detach() for name, p in parameters.items()}


def main() -> None:
    for name, case in cases().items():
        configuration = case.configuration()
        model = build(configuration, case.head_layers)
        for part in [".adapters.a.", "heads.a."]:
            common.randomise(model, SEED, only=part)
        inputs = common.ragged_inputs(model.config.vocab_size, SEED)
        inputs["labels"] = torch.randint(
            0, LABELS, inputs["lengths"].shape, generator=common.generator(SEED))
        tensors = run(model, inputs, by_row=configuration.use_gating)
        common.save(
            f"bottleneck/{name}.safetensors", inputs | tensors, SEED,
            config=json.dumps(configuration.to_dict()), preset=case.preset,
            settings=json.dumps(case.settings), head_layers=str(case.head_layers),
            by_row=json.dumps(configuration.use_gating))


if __name__ == "__main__":
    main()

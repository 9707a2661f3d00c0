"""Adapters at frozen projections on the tiny model bert/h16 (run bert.py first).

Writes projections/<case>.safetensors: parameters, outputs, gradients and ten training steps of LoRA
and its variants, (IA)3 and VeRA, of `adapters` or of `peft`; of both where both are right.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch
from adapters import IA3Config, LoRAConfig
from peft import IA3Config as PeftIA3Config
from peft import LoraConfig, VeraConfig, get_peft_model
from transformers import BertModel

import bottleneck
import common

SEED = 5

#: The feed-forward's output projection, and not attention's, whose name ends alike.
FEED_FORWARD = r".*layer\.\d\.output\.dense"


@dataclass
class Case:
    """A method as Graft writes it, and the same as a configuration of a reference library."""

    method: str
    configuration: Any
    settings: dict[str, Any] = field(default_factory=dict)


def lora(**settings: Any) -> LoraConfig:
    return LoraConfig(**{"r": 4, "lora_alpha": 8, "target_modules": ["query", "value"]} | settings)


def cases() -> dict[str, Case]:
    everywhere = {"selfattn_lora": True, "intermediate_lora": True, "output_lora": True,
                  "attn_matrices": ["q", "k", "v"]}
    roles = json.dumps(["query", "key", "value", "up", "down"], separators=(",", ":"))
    return {
        # The reference library of the bottleneck adapters.
        "adapters_lora": Case("lora[r=4,alpha=8]", LoRAConfig(r=4, alpha=8)),
        "adapters_lora_default": Case("lora", LoRAConfig()),
        "adapters_lora_everywhere": Case(
            f"lora[r=2,alpha=3,target_modules={roles}]", LoRAConfig(r=2, alpha=3, **everywhere)),
        "adapters_lora_leave_out": Case(
            "lora[r=4,alpha=8,leave_out=[0]]", LoRAConfig(r=4, alpha=8, leave_out=[0])),
        "adapters_lora_bert": Case(
            "lora[r=4,alpha=8,init_weights=bert]",
            LoRAConfig(r=4, alpha=8, init_weights="bert")),
        "adapters_lora_gating": Case(
            "lora[r=4,alpha=8,use_gating=true]", LoRAConfig(r=4, alpha=8, use_gating=True)),
        "adapters_lora_gating_everywhere": Case(
            f"lora[r=2,alpha=3,use_gating=true,target_modules={roles}]",
            LoRAConfig(r=2, alpha=3, use_gating=True, **everywhere)),
        "adapters_ia3": Case("ia3", IA3Config()),
        "adapters_ia3_leave_out": Case("ia3[leave_out=[1]]", IA3Config(leave_out=[1])),
        "adapters_ia3_attention": Case(
            "ia3[feedforward=none]", IA3Config(intermediate_lora=False)),
        # The library whose DoRA and VeRA are those of the papers.
        "peft_lora": Case("lora[r=4,alpha=8]", lora()),
        "peft_lora_all_linear": Case(
            "lora[r=4,alpha=8,target_modules=all-linear]", lora(target_modules="all-linear")),
        "peft_lora_patterns": Case(
            'lora[r=4,alpha=8,rank_pattern={"key":2,"1.key":3},alpha_pattern={"0.query":5},'
            'target_modules=["query","key"]]',
            lora(target_modules=["query", "key"], rank_pattern={"0.attention.self.key": 2,
                 "1.attention.self.key": 3}, alpha_pattern={"0.attention.self.query": 5})),
        # A bias of ours is a difference, which decays towards another value than the bias itself.
        "peft_lora_bias": Case(
            "lora[r=4,alpha=8,bias=lora_only]", lora(bias="lora_only"), {"weight_decay": 0.0}),
        "peft_rslora": Case("rslora[r=4,alpha=3]", lora(lora_alpha=3, use_rslora=True)),
        "peft_dora": Case("dora[r=4,alpha=8]", lora(use_dora=True)),
        "peft_dora_all_linear": Case(
            "dora[r=3,alpha=5,target_modules=all-linear]",
            lora(r=3, lora_alpha=5, use_dora=True, target_modules="all-linear")),
        "peft_dora_rslora_bias": Case(
            "dora[r=4,alpha=3,use_rslora=true,bias=lora_only]",
            lora(lora_alpha=3, use_dora=True, use_rslora=True, bias="lora_only"),
            {"weight_decay": 0.0}),
        "peft_pissa": Case("pissa[r=4,alpha=8]", lora(init_lora_weights="pissa")),
        "peft_pissa_all_linear": Case(
            "pissa[r=3,alpha=5,target_modules=all-linear]",
            lora(r=3, lora_alpha=5, init_lora_weights="pissa", target_modules="all-linear")),
        "peft_pissa_dora": Case(
            "pissa[r=4,alpha=8,use_dora=true]", lora(init_lora_weights="pissa", use_dora=True)),
        "peft_ia3": Case(
            "ia3_paper",
            PeftIA3Config(target_modules=rf".*\.(key|value)|{FEED_FORWARD}",
                          feedforward_modules=FEED_FORWARD)),
        "peft_ia3_outputs": Case(
            'ia3[target_modules=["query","attention_output","down"],feedforward=none]',
            PeftIA3Config(target_modules=["query", "output.dense"], feedforward_modules=[])),
        "peft_vera": Case(
            "vera[r=8]", VeraConfig(r=8, target_modules=["query", "value"])),
        "peft_vera_all_linear": Case(
            "vera[r=5,projection_prng_key=7,target_modules=all-linear]",
            VeraConfig(r=5, projection_prng_key=7, target_modules="all-linear")),
    }


class PeftClassifier(torch.nn.Module):
    """A BERT with an adapter of `peft` and a linear head on the first token, as `adapters` has."""

    def __init__(self, configuration: Any) -> None:
        super().__init__()
        bert = BertModel.from_pretrained(
            common.FIXTURES / "bert" / "h16", attn_implementation="eager")
        # A model of this class has a pooler, which "all-linear" would take for a projection.
        bert.pooler = None
        self.bert = get_peft_model(bert, configuration, "a").base_model.model
        self.head = torch.nn.Linear(bert.config.hidden_size, bottleneck.LABELS)
        self.config = bert.config

    def forward(self, output_hidden_states: bool, **inputs: torch.Tensor) -> SimpleNamespace:
        output = self.bert(**inputs, output_hidden_states=output_hidden_states)
        return SimpleNamespace(
            hidden_states=output.hidden_states, logits=self.head(output.last_hidden_state[:, 0]))


def build(configuration: Any) -> torch.nn.Module:
    if isinstance(configuration, LoRAConfig):
        return bottleneck.build(configuration, 1)
    return PeftClassifier(configuration).eval()


def trained(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    """The parameters in training, as `adapter.<key>` and `head.<key>` with the library's keys."""
    if not isinstance(model, PeftClassifier):
        return bottleneck.trained(model)
    found = {}
    for name, parameter in sorted(model.named_parameters()):
        if not parameter.requires_grad:
            continue
        key = name.replace(".a.weight", ".weight").removesuffix(".a")
        if key.startswith("head."):
            found[key.replace("head.", "head.1.")] = parameter
        else:
            found["adapter." + key.removeprefix("bert.")] = parameter
    return found


def perturb(model: torch.nn.Module) -> None:
    """Moves every trained parameter away from its start, so that all of them show."""
    normal = common.generator(SEED)
    for name, parameter in trained(model).items():
        values = torch.randn(parameter.shape, generator=normal)
        # What multiplies stays near one, and what starts from the frozen weight near that.
        scale = 0.1 if parameter.abs().max() > 0.2 and "head." not in name else 0.3
        with torch.no_grad():
            parameter.add_(scale * values)


def run(
    model: torch.nn.Module, inputs: dict[str, torch.Tensor], by_row: bool, weight_decay: float
) -> dict[str, torch.Tensor]:
    """What `bottleneck.run` records, for either library."""
    parameters = trained(model)
    starts = biases(model)
    tensors = {name: value.detach().clone() for name, value in parameters.items()}
    optimizer = torch.optim.AdamW(
        parameters.values(), **bottleneck.OPTIMIZER | {"weight_decay": weight_decay})
    losses = []
    for step in range(bottleneck.STEPS):
        optimizer.zero_grad()
        outputs = bottleneck.forward(model, inputs, by_row)
        outputs["loss"].backward()
        losses.append(outputs["loss"].detach())
        if step == 0:
            tensors |= {name: value.detach() for name, value in outputs.items()}
            tensors |= {f"grad.{name}": p.grad.clone() for name, p in parameters.items()}
        optimizer.step()
    tensors["losses"] = torch.cat(losses)
    tensors |= {f"after.{name}": p.detach() for name, p in parameters.items()}
    # As differences from the frozen biases.
    for name, start in starts.items():
        for prefix in ["", "after."]:
            tensors[prefix + name] = tensors[prefix + name] - start
    return tensors


def biases(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The frozen values of the biases in training."""
    names = [name for name in trained(model) if name.endswith("base_layer.bias")]
    frozen = BertModel.from_pretrained(common.FIXTURES / "bert" / "h16")
    values = dict(frozen.named_parameters())
    return {name: values[name.removeprefix("adapter.").replace(".base_layer", "")].detach()
            for name in names}


def projections(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The random matrices that all projections with VeRA share."""
    layers = [module for module in model.modules() if hasattr(module, "vera_lambda_d")]
    if not layers:
        return {}
    return {"vera_A": layers[0].vera_A["a"], "vera_B": layers[0].vera_B["a"]}


def main() -> None:
    for name, case in cases().items():
        # Starts are part of what is written: parameters are only moved away from them.
        torch.manual_seed(SEED)
        model = build(case.configuration)
        perturb(model)
        inputs = common.ragged_inputs(model.config.vocab_size, SEED)
        inputs["labels"] = torch.randint(
            0, bottleneck.LABELS, inputs["lengths"].shape, generator=common.generator(SEED))
        by_row = getattr(case.configuration, "use_gating", False)
        decay = case.settings.get("weight_decay", bottleneck.OPTIMIZER["weight_decay"])
        tensors = run(model, inputs, by_row, decay) | projections(model)
        common.save(
            f"projections/{name}.safetensors", inputs | tensors, SEED,
            method=case.method, weight_decay=json.dumps(decay), by_row=json.dumps(by_row))


if __name__ == "__main__":
    main()

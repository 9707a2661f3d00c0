"""AdaLoRA of `peft` on the tiny model bert/h16 (run bert.py first).

Writes adalora/<case>.safetensors. The loss has the term of AdaLoraModel, and behind each of the ten steps
ranks are shared out by its RankAllocator, with steps counted from 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import torch
from peft import AdaLoraConfig, get_peft_model
from transformers import BertModel

import bottleneck
import common
import methods
from methods import View

SEED = 22
ROLES = {"query": "attention.self.query", "key": "attention.self.key",
         "value": "attention.self.value", "up": "intermediate.dense"}

#: Settings, and the projections by our names.
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    # Ranks go in the last two steps alone.
    "late": ({"init_r": 4, "target_r": 2, "tinit": 8}, ["query", "value"]),
    # A budget that falls in some steps, and three steps with the ranks that are left.
    "three_phases": (
        {"init_r": 6, "target_r": 2, "tinit": 1, "tfinal": 3, "deltaT": 2},
        ["query", "key", "value", "up"]),
    "every_step": (
        {"init_r": 3, "target_r": 1, "beta1": 0.7, "beta2": 0.6, "orth_reg_weight": 0.1,
         "tfinal": 2}, ["query", "value"]),
}


class Classifier(torch.nn.Module):
    """A BERT with a linear head on the first token, and its loss."""

    def __init__(self) -> None:
        super().__init__()
        self.bert = BertModel.from_pretrained(
            common.FIXTURES / "bert" / "h16", attn_implementation="eager")
        self.bert.pooler = None
        self.head = torch.nn.Linear(self.bert.config.hidden_size, methods.LABELS)

    def forward(self, labels: torch.Tensor, **inputs: torch.Tensor) -> SimpleNamespace:
        hidden = self.bert(**inputs).last_hidden_state
        logits = self.head(hidden[:, 0])
        loss = torch.nn.functional.cross_entropy(logits, labels)
        return SimpleNamespace(hidden=hidden, logits=logits, loss=loss)


def modules(model: torch.nn.Module, roles: list[str]) -> dict[str, torch.nn.Module]:
    """The adapted projections by our names."""
    layers = model.model.bert.encoder.layer
    return {f"encoder.{index}.{role}": layer.get_submodule(ROLES[role])
            for index, layer in enumerate(layers) for role in roles}


def views(model: torch.nn.Module, roles: list[str]) -> Iterable[View]:
    for site, module in modules(model, roles).items():
        for name in ["lora_A", "lora_B", "lora_E"]:
            yield View(f"adapter.{site}.{name}", getattr(module, name)["a"])
    yield from methods.linear_views("head.0", model.model.head)


def main() -> None:
    for name, (settings, roles) in CASES.items():
        torch.manual_seed(SEED)
        configuration = AdaLoraConfig(
            total_step=bottleneck.STEPS, target_modules=[ROLES[role] for role in roles],
            **settings)
        model = get_peft_model(Classifier(), configuration, "a").base_model.eval()
        for parameter in model.model.head.parameters():
            parameter.requires_grad_(True)
        inputs = common.ragged_inputs(model.model.bert.config.vocab_size, SEED)
        inputs["labels"] = torch.randint(
            0, methods.LABELS, inputs["lengths"].shape, generator=common.generator(SEED))
        normal = common.generator(SEED)
        every = list(views(model, roles))
        with torch.no_grad():
            for view in every:
                view.parameter.copy_(0.3 * torch.randn(view.parameter.shape, generator=normal))

        def forward() -> dict[str, torch.Tensor]:
            output = model(labels=inputs["labels"], **common.padded_inputs(inputs))
            hidden = common.ragged(output.hidden, inputs["lengths"])
            return {"hidden": hidden, "logits": output.logits, "loss": output.loss[None]}

        ranks = []

        def after_step(step: int) -> None:
            model.update_and_allocate(step)
            factors = [view.parameter for view in every if view.name.endswith("lora_E")]
            ranks.append(sum(int((factor != 0).sum()) for factor in factors))

        tensors = methods.run(model, every, inputs, forward, after_step=after_step)
        written = settings | {"target_modules": roles}
        text = ",".join(f"{key}={json.dumps(value, separators=(',', ':'))}"
                        for key, value in written.items())
        methods.save(
            f"adalora/{name}.safetensors", inputs | tensors, SEED, f"adalora[{text}]", None,
            ranks=json.dumps(ranks))
        print(name, ranks)


if __name__ == "__main__":
    main()

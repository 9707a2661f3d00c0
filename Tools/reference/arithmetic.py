"""Sums of LoRA adapters by `peft` on the tiny model bert/h16 (run bert.py first).

Writes arithmetic/lora.safetensors: three adapters of different ranks and scales, and the updates of the
frozen weights that `add_weighted_adapter` makes of them. Of its ways, those that are sums of updates:
"cat", "svd" and "ties_svd".
"""

from __future__ import annotations

import json

import torch
from peft import LoraConfig, get_peft_model
from transformers import BertModel

import common

SEED = 21

#: Rank and alpha of each adapter.
ADAPTERS = {"a": (4, 8), "b": (2, 3), "c": (3, 3)}
ROLES = ["query", "value"]

#: As Graft names the operation, with its settings; and what `peft` calls it.
CASES = {
    "sum": ("linear", {"weights": [0.7, -0.3, 1.5]}, "cat", {}),
    "svd": ("svd", {"weights": [0.7, -0.3, 1.5], "rank": 3}, "svd", {"svd_rank": 3}),
    "ties": (
        "ties", {"weights": [1, 1, 1], "rank": 6, "density": 0.3},
        "ties_svd", {"svd_rank": 6, "density": 0.3}),
    "ties_weighted": (
        "ties", {"weights": [0.5, 2, 1.25], "rank": 16, "density": 0.55},
        "ties_svd", {"svd_rank": 16, "density": 0.55}),
    "ties_frequency": (
        "ties", {"weights": [1, 2, 1], "rank": 16, "density": 0.6, "sign": "frequency"},
        "ties_svd", {"svd_rank": 16, "density": 0.6, "majority_sign_method": "frequency"}),
    "dare_ties_whole": (
        "dare_ties", {"weights": [1, 1, 1], "rank": 16, "density": 1},
        "dare_ties_svd", {"svd_rank": 16, "density": 1}),
}


def main() -> None:
    torch.manual_seed(SEED)
    bert = BertModel.from_pretrained(common.FIXTURES / "bert" / "h16")
    model = None
    for name, (rank, alpha) in ADAPTERS.items():
        configuration = LoraConfig(r=rank, lora_alpha=alpha, target_modules=ROLES)
        if model is None:
            model = get_peft_model(bert, configuration, name)
        else:
            model.add_adapter(name, configuration)
    tensors = {}
    normal = common.generator(SEED)
    sites = {
        f"encoder.{layer}.{role}":
            model.base_model.model.encoder.layer[layer].attention.self.get_submodule(role)
        for layer in range(bert.config.num_hidden_layers) for role in ROLES
    }
    for name in ADAPTERS:
        for site, module in sites.items():
            for factor in ["lora_A", "lora_B"]:
                weight = getattr(module, factor)[name].weight
                with torch.no_grad():
                    weight.copy_(0.3 * torch.randn(weight.shape, generator=normal))
                tensors[f"{name}.adapter.{site}.{factor}"] = weight.detach().clone()
    for case, (_, ours, kind, settings) in CASES.items():
        model.add_weighted_adapter(
            list(ADAPTERS), ours["weights"], case, combination_type=kind, **settings)
        for site, module in sites.items():
            tensors[f"{case}.{site}"] = module.get_delta_weight(case).detach()
    methods = {name: f"lora[r={rank},alpha={alpha}]" for name, (rank, alpha) in ADAPTERS.items()}
    cases = {case: {"operation": name, **ours} for case, (name, ours, _, _) in CASES.items()}
    common.save(
        "arithmetic/lora.safetensors", tensors, SEED,
        methods=json.dumps(methods), cases=json.dumps(cases))


if __name__ == "__main__":
    main()

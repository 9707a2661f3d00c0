"""Adapter methods of AdapterHub's `adapters` on families other than BERT (run encoders.py first).

Writes families/<model type>_<case>.safetensors as methods.py describes, on <model type>/h12.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import torch
from adapters import (
    DoubleSeqBnConfig, LoRAConfig, ParBnConfig, PrefixTuningConfig, PromptTuningConfig, SeqBnConfig,
    SeqBnInvConfig,
)

import bottleneck
import common
import methods
import prefix_tuning
from methods import View

SEED = 12
ROLES = '["query","key","value","up","down"]'
EVERYWHERE = {"intermediate_lora": True, "output_lora": True, "attn_matrices": ["q", "k", "v"]}
METHODS: dict[str, tuple[str, Any]] = {
    "seq_bn": ("seq_bn[reduction_factor=4]", SeqBnConfig(reduction_factor=4)),
    "double_seq_bn": ("double_seq_bn[reduction_factor=4]", DoubleSeqBnConfig(reduction_factor=4)),
    "par_bn": ("par_bn[reduction_factor=4]", ParBnConfig(reduction_factor=4)),
    "seq_bn_inv": ("seq_bn_inv[reduction_factor=4]", SeqBnInvConfig(reduction_factor=4)),
    "lora": (
        f"lora[r=2,alpha=3,target_modules={ROLES}]", LoRAConfig(r=2, alpha=3, **EVERYWHERE)),
    "prefix_tuning": (
        "prefix_tuning[prefix_length=3,bottleneck_size=6]",
        PrefixTuningConfig(**prefix_tuning.SHORT)),
    "prompt_tuning": ("prompt_tuning[prompt_length=3]", PromptTuningConfig(prompt_length=3)),
}
CASES = {
    "roberta": ["seq_bn", "double_seq_bn", "par_bn", "lora", "prefix_tuning"],
    "distilbert": ["double_seq_bn", "lora", "prefix_tuning"],
    "electra": ["seq_bn_inv", "lora", "prompt_tuning"],
}

#: Graft's names of the reference's parameters; the first rule that fits a place counts.
RULES = [(re.compile(pattern), name) for pattern, name in [
    (r"^heads\.a\.(\d+)\.", "head.0."),
    (r"^\w+\.(?:encoder|transformer)\.layer\.", "adapter.encoder."),
    (r"^\w+\.invertible_adapters\.a\.F\.", "adapter.encoder.embeddings.first."),
    (r"^\w+\.invertible_adapters\.a\.G\.", "adapter.encoder.embeddings.second."),
    (r"\.(first|second)\.0\.", r".\1.down."),
    (r"\.(first|second)\.2\.", r".\1.up."),
    (r"\.attention_adapters\.adapters\.a\.", ".attention."),
    (r"\.attention\.output\.adapters\.a\.", ".attention."),
    (r"\.(?:output|output_adapters)\.adapters\.a\.", ".feed_forward."),
    (r"adapter_down\.0", "down"), (r"adapter_up", "up"),
    (r"\.(?:intermediate\.dense|ffn\.lin1)\.loras\.a\.", ".up."),
    (r"\.(?:output\.dense|ffn\.lin2)\.loras\.a\.", ".down."),
    (r"\.attention\.(?:self\.)?(?:query|q_lin)\.loras\.a\.", ".query."),
    (r"\.attention\.(?:self\.)?(?:key|k_lin)\.loras\.a\.", ".key."),
    (r"\.attention\.(?:self\.)?(?:value|v_lin)\.loras\.a\.", ".value."),
    (r"^\w+\.prompt_tuning\.prompt_tunings\.a\.prompt_embedding\.weight",
     "adapter.encoder.embeddings.prompt"),
]]


def name(key: str) -> str:
    for pattern, replacement in RULES:
        key = pattern.sub(replacement, key, count=1)
    assert re.match(r"(adapter\.encoder|head)\.[\w.]+$", key) and ".a." not in key, key
    return key


def views(model: torch.nn.Module, configuration: Any) -> Iterable[View]:
    is_prefix = isinstance(configuration, PrefixTuningConfig)
    if is_prefix:
        yield from prefix_tuning.views(model, configuration)
    for key, parameter in sorted(model.named_parameters()):
        if parameter.requires_grad and not (is_prefix and "prefix_tuning" in key):
            yield View(name(key), parameter)


def forward(
    model: torch.nn.Module, inputs: dict[str, torch.Tensor], prompt: int
) -> dict[str, torch.Tensor]:
    """As bottleneck.forward, without token types but for ELECTRA, behind so many prompt tokens."""
    arguments = common.padded_inputs(inputs)
    if model.config.model_type != "electra":
        del arguments["token_type_ids"]
    output = model(**arguments, output_hidden_states=True)
    hidden = common.ragged(output.hidden_states[-1][:, prompt:], inputs["lengths"])
    loss = torch.nn.functional.cross_entropy(output.logits, inputs["labels"])
    return {"hidden": hidden, "logits": output.logits, "loss": loss[None]}


def main() -> None:
    for family, cases in CASES.items():
        for case in cases:
            expression, configuration = METHODS[case]
            model = bottleneck.build(configuration, head_layers=1, folder=f"{family}/h12")
            for part in [".adapters.a.", ".loras.a.", "prefix_tuning", "invertible_adapters.a.",
                         "prompt_tuning", "heads.a."]:
                common.randomise(model, SEED, only=part)
            inputs = methods.labelled_inputs(model, SEED)
            prompt = 3 if case == "prompt_tuning" else 0
            tensors = methods.run(
                model, list(views(model, configuration)), inputs,
                lambda: forward(model, inputs, prompt))
            # Graft names the projections of LoRA in another way.
            own = None if case == "lora" else configuration.to_dict()
            methods.save(
                f"families/{family}_{case}.safetensors", inputs | tensors, SEED, expression, own,
                model=f"{family}/h12")


if __name__ == "__main__":
    main()

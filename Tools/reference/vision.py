"""Tiny seeded ViT and DeiT models as Hugging Face folders, what they compute, and adapters on the first.

Writes vit/<shape>/ and deit/<shape>/ {config.json, model.safetensors, preprocessor_config.json,
expected.safetensors} and vision/<case>.safetensors: bottleneck adapters, LoRA and prefixes of `adapters`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

# The processors that work on Pillow images are the reference; those of torchvision are not needed.
sys.modules["torchvision"] = None

import torch
from adapters import (
    BnConfig, DoubleSeqBnConfig, LoRAConfig, ParBnConfig, PrefixTuningConfig, SeqBnConfig,
    ViTAdapterModel,
)
from transformers import DeiTConfig, DeiTModel, ViTConfig, ViTImageProcessor, ViTModel

import common
import methods

SEED = 52
ROWS = 5
COMMON = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
SMALL = {
    "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 32,
    "image_size": 12, "patch_size": 4, **COMMON,
}
#: Other sizes, activation and epsilon, no biases of queries, keys and values, no pooler.
OTHER = {
    "hidden_size": 24, "num_attention_heads": 3, "num_hidden_layers": 3, "intermediate_size": 40,
    "image_size": 15, "patch_size": 5, "hidden_act": "gelu_new", "layer_norm_eps": 1e-5,
    "qkv_bias": False, **COMMON,
}
MODELS = {
    "vit/h16": lambda: ViTModel(ViTConfig(**SMALL)),
    "vit/h24": lambda: ViTModel(ViTConfig(**OTHER), add_pooling_layer=False),
    "deit/h16": lambda: DeiTModel(DeiTConfig(**SMALL)),
    "deit/h24": lambda: DeiTModel(DeiTConfig(**OTHER), add_pooling_layer=False),
}

CASES = {
    "seq_bn": ("seq_bn[reduction_factor=4]", SeqBnConfig(reduction_factor=4)),
    "double_seq_bn": ("double_seq_bn[reduction_factor=4]", DoubleSeqBnConfig(reduction_factor=4)),
    "par_bn": ("par_bn[reduction_factor=4]", ParBnConfig(reduction_factor=4)),
    "lora": ("lora[r=4,alpha=8]", LoRAConfig(r=4, alpha=8)),
    "lora_everywhere": (
        'lora[r=2,alpha=3,target_modules=["query","key","value","up","down"]]',
        LoRAConfig(r=2, alpha=3, intermediate_lora=True, output_lora=True,
                   attn_matrices=["q", "k", "v"]),
    ),
    "prefix_flat": (
        "prefix_tuning_flat[prefix_length=3]", PrefixTuningConfig(flat=True, prefix_length=3)),
}


def images(size: int) -> torch.Tensor:
    return torch.randn(ROWS, 3, size, size, generator=common.generator(SEED))


def randomise(model: torch.nn.Module) -> None:
    common.randomise(model, SEED)
    for name, parameter in model.named_parameters():
        # Tokens and positions are parameters without a module of their own, and got values too.
        assert parameter.abs().sum() > 0, name


def expected(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    pixels = images(model.config.image_size)
    output = model(pixels, output_hidden_states=True)
    embeddings = output.hidden_states[0]
    embeddings.retain_grad()
    last = output.last_hidden_state
    w = torch.randn(last.shape, generator=common.generator(SEED))
    (last * w).sum().backward()
    tensors = {f"hidden.{k}": h.flatten(0, 1) for k, h in enumerate(output.hidden_states)}
    tensors |= {"last": last.flatten(0, 1), "w": w.flatten(0, 1), "pixels": pixels}
    if output.pooler_output is not None:
        tensors["pooled"] = output.pooler_output
    return tensors | {"grad.embeddings": embeddings.grad.flatten(0, 1)}


def name(key: str) -> str:
    """Graft's name of a parameter: `vit.encoder.layer.0.output.output_adapters.adapters.a.adapter_up.bias`
    is `adapter.vision.0.feed_forward.up.bias`."""
    for theirs, ours in [
        ("vit.encoder.layer.", "adapter.vision."), (".attention_adapters.adapters.a.", ".attention."),
        (".output.output_adapters.adapters.a.", ".feed_forward."), ("adapter_down.0", "down"),
        ("adapter_up", "up"), (".loras.a.", "."), (".attention.attention.", "."),
        (".intermediate.dense", ".up"), (".output.dense", ".down"),
    ]:
        key = key.replace(theirs, ours)
    return key


def views(model: torch.nn.Module) -> Iterable[methods.View]:
    yield from methods.head_views(model)
    for key, parameter in model.named_parameters():
        if not parameter.requires_grad or key.startswith("heads."):
            continue
        if not re.search(r"prefix_tunings\.a\.self_prefix", key):
            yield methods.View(name(key), parameter)
            continue
        # All layers' keys and values in one: [prefix, layer, key or value, hidden].
        layers, hidden = model.config.num_hidden_layers, model.config.hidden_size
        for layer in range(layers):
            for index, part in enumerate(["key", "value"]):
                def cut(values: torch.Tensor, layer: int = layer, index: int = index) -> torch.Tensor:
                    return values.view(-1, layers, 2, hidden)[:, layer, index].contiguous()
                yield methods.View(f"adapter.vision.{layer}.self_attention.{part}", parameter, cut)


def write_case(case: str) -> None:
    expression, configuration = CASES[case]
    model = ViTAdapterModel.from_pretrained(
        common.FIXTURES / "vit" / "h16", attn_implementation="eager")
    model.add_adapter("a", config=configuration)
    model.add_image_classification_head("a", num_labels=methods.LABELS, layers=1)
    model.train_adapter("a")
    model.eval()
    for part in [".a.", "heads.a."]:
        common.randomise(model, SEED, only=part)
    pixels = images(model.config.image_size)
    labels = torch.randint(0, methods.LABELS, (ROWS,), generator=common.generator(SEED))

    def forward() -> dict[str, torch.Tensor]:
        states = model.vit(pixels).last_hidden_state
        logits = model(pixels).logits
        loss = torch.nn.functional.cross_entropy(logits, labels)
        return {"hidden": states.flatten(0, 1), "logits": logits, "loss": loss[None]}

    inputs = {"pixels": pixels, "labels": labels}
    tensors = methods.run(model, list(views(model)), inputs, forward)
    own = configuration.to_dict() if isinstance(configuration, BnConfig) else None
    methods.save(
        f"vision/{case}.safetensors", inputs | tensors, SEED, expression, own, model="vit/h16")


def main() -> None:
    for path, build in MODELS.items():
        model = build().eval()
        model.config._attn_implementation = "eager"
        randomise(model)
        folder = common.FIXTURES / path
        model.save_pretrained(folder)
        side = model.config.image_size
        ViTImageProcessor(size={"height": side, "width": side}).save_pretrained(folder)
        common.save(f"{path}/expected.safetensors", expected(model), SEED)
    for case in CASES:
        write_case(case)


if __name__ == "__main__":
    main()

"""Tiny seeded CLIP models as Hugging Face folders, what they compute, and adapters in both towers.

Writes clip/<shape>/{config.json, model.safetensors, preprocessor_config.json, expected.safetensors} and
clip_adapters/<case>.safetensors: bottleneck adapters and LoRA of `adapters` on the first.
"""

from __future__ import annotations

import sys

# The processors that work on Pillow images are the reference; those of torchvision are not needed.
sys.modules["torchvision"] = None

import adapters
import torch
from adapters import DoubleSeqBnConfig, LoRAConfig, ParBnConfig, SeqBnConfig
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

import bottleneck
import common

SEED = 53
LENGTHS = [5, 3, 9, 5]
END = 63
TEXT = {
    "vocab_size": 64, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 2, "max_position_embeddings": 12, "projection_dim": 10,
    "bos_token_id": 62, "eos_token_id": END, "pad_token_id": END,
}
VISION = {
    "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 3, "num_attention_heads": 3,
    "image_size": 12, "patch_size": 4, "projection_dim": 10,
}
SHAPES = {
    "h16": (TEXT, VISION, 10),
    # Other activations and epsilons, and the end of a text found by the largest id.
    "h12": (
        TEXT | {"hidden_size": 12, "num_attention_heads": 3, "hidden_act": "gelu",
                "layer_norm_eps": 1e-4, "eos_token_id": 2, "projection_dim": 6},
        VISION | {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2,
                  "image_size": 15, "patch_size": 5, "hidden_act": "gelu", "projection_dim": 6},
        6,
    ),
}
CASES = {
    "seq_bn": ("seq_bn[reduction_factor=4]", SeqBnConfig(reduction_factor=4)),
    "double_seq_bn": ("double_seq_bn[reduction_factor=4]", DoubleSeqBnConfig(reduction_factor=4)),
    "par_bn": ("par_bn[reduction_factor=4]", ParBnConfig(reduction_factor=4)),
    "lora": ("lora[r=4,alpha=8]", LoRAConfig(r=4, alpha=8)),
}


def build(shape: str) -> CLIPModel:
    text, vision, projection = SHAPES[shape]
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=projection)
    model = CLIPModel._from_config(config, attn_implementation="eager").eval()
    common.randomise(model, SEED)
    with torch.no_grad():
        model.logit_scale.fill_(1.3)
    return model


def inputs(model: CLIPModel) -> dict[str, torch.Tensor]:
    random = common.generator(SEED)
    ids = torch.randint(1, 60, (sum(LENGTHS),), generator=random)
    ends = torch.tensor(LENGTHS).cumsum(0) - 1
    ids[ends] = END
    side = model.config.vision_config.image_size
    pixels = torch.randn(len(LENGTHS), 3, side, side, generator=random)
    return {"ids": ids, "lengths": torch.tensor(LENGTHS), "pixels": pixels}


def run(model: CLIPModel, given: dict[str, torch.Tensor], hidden: bool = False):
    # Padded with the end of text, which a causal tower cannot see from in front of it.
    ids = common.padded(given["ids"], given["lengths"], END)
    mask = common.padded(torch.ones_like(given["ids"]), given["lengths"])
    return model(input_ids=ids, attention_mask=mask, pixel_values=given["pixels"],
                 output_hidden_states=hidden, return_loss=True)


def outputs(output) -> dict[str, torch.Tensor]:
    return {"text_embeds": output.text_embeds, "image_embeds": output.image_embeds,
            "logits_per_image": output.logits_per_image, "loss": output.loss[None]}


def expected(model: CLIPModel) -> dict[str, torch.Tensor]:
    given = inputs(model)
    output = run(model, given, hidden=True)
    text, vision = output.text_model_output, output.vision_model_output
    starts = [text.hidden_states[0], vision.hidden_states[0]]
    for start in starts:
        start.retain_grad()
    output.loss.backward()
    lengths = given["lengths"]
    tensors = {f"text.{k}": common.ragged(h, lengths) for k, h in enumerate(text.hidden_states)}
    tensors |= {f"vision.{k}": h.flatten(0, 1) for k, h in enumerate(vision.hidden_states)}
    return given | tensors | outputs(output) | {
        "text.last": common.ragged(text.last_hidden_state, lengths),
        "text.pooled": text.pooler_output, "vision.pooled": vision.pooler_output,
        "grad.text": common.ragged(starts[0].grad, lengths),
        "grad.vision": starts[1].grad.flatten(0, 1),
    }


def name(key: str) -> str:
    """Graft's name of a parameter: `text_model.encoder.layers.0.output_adapters.adapters.a.adapter_up.bias`
    is `adapter.text.0.feed_forward.up.bias`."""
    for theirs, ours in [
        ("text_model.encoder.layers.", "adapter.text."),
        ("vision_model.encoder.layers.", "adapter.vision."),
        (".attention_adapters.adapters.a.", ".attention."),
        (".output_adapters.adapters.a.", ".feed_forward."), ("adapter_down.0", "down"),
        ("adapter_up", "up"), (".loras.a.", "."), (".self_attn.q_proj", ".query"),
        (".self_attn.v_proj", ".value"),
    ]:
        key = key.replace(theirs, ours)
    return key


def write_case(case: str) -> None:
    expression, configuration = CASES[case]
    model = CLIPModel.from_pretrained(common.FIXTURES / "clip" / "h16", attn_implementation="eager")
    adapters.init(model)
    model.add_adapter("a", config=configuration)
    model.train_adapter("a")
    model.eval()
    common.randomise(model, SEED, only=".a.")
    given = inputs(model)
    trained = {name(k): p for k, p in model.named_parameters() if p.requires_grad}
    tensors = {key: p.detach().clone() for key, p in trained.items()}
    optimizer = torch.optim.AdamW(trained.values(), **bottleneck.OPTIMIZER)
    losses = []
    for step in range(bottleneck.STEPS):
        optimizer.zero_grad()
        output = run(model, given)
        output.loss.backward()
        losses.append(output.loss.detach()[None])
        if step == 0:
            tensors |= {key: value.detach() for key, value in outputs(output).items()}
            tensors |= {f"grad.{key}": p.grad.clone() for key, p in trained.items()}
        optimizer.step()
    tensors["losses"] = torch.cat(losses)
    tensors |= {f"after.{key}": p.detach() for key, p in trained.items()}
    common.save(f"clip_adapters/{case}.safetensors", given | tensors, SEED, method=expression)


def main() -> None:
    for shape in SHAPES:
        model = build(shape)
        folder = common.FIXTURES / "clip" / shape
        model.save_pretrained(folder)
        side = model.config.vision_config.image_size
        CLIPImageProcessor(size={"shortest_edge": side}, crop_size=side).save_pretrained(folder)
        common.save(f"clip/{shape}/expected.safetensors", expected(model), SEED)
    for case in CASES:
        write_case(case)


if __name__ == "__main__":
    main()

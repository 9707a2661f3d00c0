"""Tiny seeded BERT models as Hugging Face folders, what they compute, and activation functions.

Writes bert/<shape>/{config.json, model.safetensors, expected.safetensors}, two more layouts of
the first shape (sharded; with the `bert.` prefix and a language-model head), and
activations.safetensors.
"""

from __future__ import annotations

import torch
from transformers import BertConfig, BertForMaskedLM, BertModel
from transformers.activations import ACT2FN

import common

SEED = 1
COMMON = {
    "vocab_size": 64, "max_position_embeddings": 40, "type_vocab_size": 2,
    "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
}
SHAPES = {
    "h16": BertConfig(
        hidden_size=16, num_attention_heads=2, num_hidden_layers=2, intermediate_size=32, **COMMON),
    "h24": BertConfig(
        hidden_size=24, num_attention_heads=3, num_hidden_layers=3, intermediate_size=40,
        hidden_act="gelu_new", layer_norm_eps=1e-5, **COMMON),
}
#: These carry parameters of their own, so that no model folder can name them in `hidden_act`.
PARAMETRISED_ACTIVATIONS = {"prelu", "xielu"}


def build(config: BertConfig) -> BertModel:
    config._attn_implementation = "eager"
    model = BertModel(config, add_pooling_layer=True).eval()
    common.randomise(model, SEED)
    return model


def expected(model: BertModel) -> dict[str, torch.Tensor]:
    inputs = common.ragged_inputs(model.config.vocab_size, SEED)
    lengths = inputs["lengths"]
    output = model(**common.padded_inputs(inputs), output_hidden_states=True)
    embeddings = output.hidden_states[0]
    embeddings.retain_grad()
    w = torch.randn(len(inputs["ids"]), model.config.hidden_size, generator=common.generator(SEED))
    (output.last_hidden_state * common.padded(w, lengths)).sum().backward()
    return {
        **inputs,
        **{f"hidden.{k}": common.ragged(h, lengths) for k, h in enumerate(output.hidden_states)},
        "pooled": output.pooler_output,
        "w": w,
        "grad.embeddings": common.ragged(embeddings.grad, lengths),
    }


def activations() -> dict[str, torch.Tensor]:
    # An even count leaves out zero, where relu and its kin have no derivative.
    x = torch.linspace(-12, 12, 64)
    tensors = {"x": x}
    functions = {name: ACT2FN[name] for name in sorted(set(ACT2FN) - PARAMETRISED_ACTIVATIONS)}
    # What `adapters` accepts besides the names of transformers.
    functions["leakyrelu"] = torch.nn.functional.leaky_relu
    for name, function in functions.items():
        leaf = x.clone().requires_grad_()
        y = function(leaf)
        (gradient,) = torch.autograd.grad(y.sum(), leaf)
        tensors |= {f"y.{name}": y, f"grad.{name}": gradient}
    return tensors


def main() -> None:
    for shape, config in SHAPES.items():
        model = build(config)
        folder = common.FIXTURES / "bert" / shape
        model.save_pretrained(folder)
        common.save(f"bert/{shape}/expected.safetensors", expected(model), SEED)

    model = build(SHAPES["h16"])
    model.save_pretrained(common.FIXTURES / "bert" / "h16_sharded", max_shard_size="12KB")
    language_model = BertForMaskedLM(model.config).eval()
    common.randomise(language_model, SEED)
    # The pooler is absent from this layout; everything else equals h16.
    language_model.bert.load_state_dict(model.state_dict(), strict=False)
    language_model.save_pretrained(common.FIXTURES / "bert" / "h16_masked_lm")

    common.save("activations.safetensors", activations(), SEED)


if __name__ == "__main__":
    main()

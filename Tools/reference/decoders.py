"""Tiny seeded causal models as Hugging Face folders, what they compute, and what they generate.

Writes <family>/<shape>/{config.json, model.safetensors, expected.safetensors} for Llama, Mistral,
Qwen 2 and GPT-2, and llama/gqa_sharded with the weights of llama/gqa in several files.

The names of what is expected: `hidden.<k>` (the last one behind the final norm), `logits`, and with
`w` the weights of the logits in a loss, `grad.embeddings`; `greedy.<row>`, `penalty.<row>` (with a
repetition penalty of 1.3) and `beam.<row>` (3 beams) are the tokens that follow each row, each row
alone, up to 12 of them or the end token 7.
"""

from __future__ import annotations

import torch
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, MistralConfig, Qwen2Config

import common

SEED = 11
END_TOKEN = 7
COMMON = {
    "vocab_size": 40, "bos_token_id": 1, "eos_token_id": END_TOKEN, "pad_token_id": 0,
    "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
}
LLAMA3 = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
MODELS = {
    "llama/gqa": LlamaConfig(
        hidden_size=16, intermediate_size=20, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, rope_theta=500.0, rope_scaling=LLAMA3, **COMMON),
    "llama/tied": LlamaConfig(
        hidden_size=14, intermediate_size=18, num_hidden_layers=2, num_attention_heads=3,
        head_dim=6, attention_bias=True, mlp_bias=True, tie_word_embeddings=True,
        rope_scaling={"rope_type": "linear", "factor": 2.0}, **COMMON),
    "mistral/window": MistralConfig(
        hidden_size=12, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, sliding_window=4, **COMMON),
    "qwen2/tied": Qwen2Config(
        hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=3,
        num_key_value_heads=1, tie_word_embeddings=True, **COMMON),
    "qwen2/window": Qwen2Config(
        hidden_size=12, intermediate_size=16, num_hidden_layers=3, num_attention_heads=2,
        num_key_value_heads=2, use_sliding_window=True, sliding_window=3, max_window_layers=1,
        **COMMON),
    "gpt2/tied": GPT2Config(
        n_embd=12, n_layer=2, n_head=2, n_positions=64, vocab_size=40, bos_token_id=1,
        eos_token_id=END_TOKEN, pad_token_id=0),
    "gpt2/untied": GPT2Config(
        n_embd=15, n_layer=2, n_head=3, n_inner=22, n_positions=64, vocab_size=40, bos_token_id=1,
        eos_token_id=END_TOKEN, pad_token_id=0, scale_attn_by_inverse_layer_idx=True,
        tie_word_embeddings=False, activation_function="relu"),
}


def build(config) -> torch.nn.Module:
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config).eval()
    common.randomise(model, SEED)
    return model


def expected(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    inputs = common.ragged_inputs(model.config.vocab_size, SEED)
    del inputs["type_ids"]
    lengths = inputs["lengths"]
    rows = [row[None] for row in inputs["ids"].split(lengths.tolist())]
    # Each row alone: nothing is padded, so that no mask has a part in what is expected.
    outputs = [model(row, output_hidden_states=True) for row in rows]
    logits = torch.cat([output.logits[0] for output in outputs])
    w = torch.randn(logits.shape, generator=common.generator(SEED))
    embeddings = [output.hidden_states[0] for output in outputs]
    gradients = torch.autograd.grad((logits * w).sum(), embeddings)
    layers = len(outputs[0].hidden_states)
    return {
        **inputs,
        **{f"hidden.{k}": torch.cat([o.hidden_states[k][0] for o in outputs])
           for k in range(layers)},
        "logits": logits,
        "w": w,
        "grad.embeddings": torch.cat([gradient[0] for gradient in gradients]),
        **generated(model, rows),
    }


def generated(model: torch.nn.Module, rows: list[torch.Tensor]) -> dict[str, torch.Tensor]:
    settings = {
        "greedy": {}, "penalty": {"repetition_penalty": 1.3}, "beam": {"num_beams": 3},
    }
    tokens = {}
    for name, setting in settings.items():
        for index, row in enumerate(rows):
            output = model.generate(
                row, attention_mask=torch.ones_like(row), max_new_tokens=12, do_sample=False,
                **setting)
            tokens[f"{name}.{index}"] = output[0, row.shape[1]:]
    return tokens


def main() -> None:
    for name, config in MODELS.items():
        model = build(config)
        model.save_pretrained(common.FIXTURES / name)
        common.save(f"{name}/expected.safetensors", expected(model), SEED)
    model = build(MODELS["llama/gqa"])
    model.save_pretrained(common.FIXTURES / "llama" / "gqa_sharded", max_shard_size="6KB")


if __name__ == "__main__":
    main()

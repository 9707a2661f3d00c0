"""Tiny seeded T5 models as Hugging Face folders, and what they compute.

Writes <model type>/<shape>/{config.json, model.safetensors, expected.safetensors}: T5 1.0 (relu, tied
output), 1.1 (gated, untied, as Flan-T5) and mT5; and t5_buckets.safetensors.
"""

from __future__ import annotations

import torch
from transformers import AutoModelForSeq2SeqLM, MT5Config, PretrainedConfig, T5Config
from transformers.models.t5.modeling_t5 import T5Attention

import common

SEED = 13
#: Target row lengths, beside the source rows of `common.LENGTHS`.
TARGET_LENGTHS = [3, 6, 1, 4, 9, 2, 5]
COMMON = {
    "dropout_rate": 0.0, "relative_attention_num_buckets": 8, "relative_attention_max_distance": 11,
    "decoder_start_token_id": 0,
}
#: The heads' widths do not make up the hidden width.
SMALL = {
    "vocab_size": 64, "d_model": 12, "d_kv": 5, "num_heads": 3, "d_ff": 17, "num_layers": 2,
    "num_decoder_layers": 2, **COMMON,
}
#: The stacks differ in depth.
ODD = {
    "vocab_size": 31, "d_model": 9, "d_kv": 3, "num_heads": 4, "d_ff": 13, "num_layers": 1,
    "num_decoder_layers": 2, **COMMON,
}
GATED = {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
CONFIGS: dict[str, PretrainedConfig] = {
    "t5/v1_0": T5Config(**SMALL),
    "t5/v1_1": T5Config(**ODD, **GATED),
    "mt5/gelu": MT5Config(**ODD | {"num_layers": 2, "num_decoder_layers": 1}, **GATED),
    "mt5/silu": MT5Config(**ODD, **GATED | {"feed_forward_proj": "gated-silu"}),
}


def build(config: PretrainedConfig) -> torch.nn.Module:
    model = AutoModelForSeq2SeqLM.from_config(config, attn_implementation="eager").eval()
    common.randomise(model, SEED)
    return model


def inputs(vocabulary: int) -> dict[str, torch.Tensor]:
    """Source rows, and target rows that a decoder reads and whose next tokens it is asked for."""
    source = common.ragged_inputs(vocabulary, SEED)
    random = common.generator(SEED + 1)
    tokens = sum(TARGET_LENGTHS)
    return {
        **source,
        "target.ids": torch.randint(1, vocabulary, (tokens,), generator=random),
        "target.lengths": torch.tensor(TARGET_LENGTHS),
    }


def arguments(rows: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The model's arguments for ragged rows."""
    (lengths, target_lengths) = (rows["lengths"], rows["target.lengths"])
    return {
        "input_ids": common.padded(rows["ids"], lengths),
        "attention_mask": common.padded(torch.ones_like(rows["ids"]), lengths),
        "decoder_input_ids": common.padded(rows["target.ids"], target_lengths),
        "decoder_attention_mask": common.padded(
            torch.ones_like(rows["target.ids"]), target_lengths),
    }


def encoder_expected(
    model: torch.nn.Module, rows: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """What encoders.py records: the encoder's states, and the gradient of their weighted sum."""
    lengths = rows["lengths"]
    source = {name: arguments(rows)[name] for name in ["input_ids", "attention_mask"]}
    output = model.encoder(**source, output_hidden_states=True)
    embedded = output.hidden_states[0]
    embedded.retain_grad()
    w = torch.randn(len(rows["ids"]), model.config.d_model, generator=common.generator(SEED))
    (output.last_hidden_state * common.padded(w, lengths)).sum().backward()
    return {
        **{f"hidden.{k}": common.ragged(h, lengths) for k, h in enumerate(output.hidden_states)},
        "w": w, "grad.embeddings": common.ragged(embedded.grad, lengths),
    }


def generated(
    model: torch.nn.Module, rows: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The tokens that are generated for each source row alone, the start token left out.

    Without a cache: the reference makes one of as many layers as the encoder has, and fails where the decoder has more.
    """
    settings = {
        "greedy": {}, "penalty": {"repetition_penalty": 1.3}, "beam": {"num_beams": 3},
        "short": {"num_beams": 4, "length_penalty": 0.5},
    }
    tokens = {}
    for name, setting in settings.items():
        for index, row in enumerate(rows["ids"].split(rows["lengths"].tolist())):
            output = model.generate(
                row[None], attention_mask=torch.ones_like(row[None]), max_new_tokens=12,
                do_sample=False, use_cache=False, **setting)
            tokens[f"{name}.{index}"] = output[0, 1:]
    return tokens


def expected(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    rows = inputs(model.config.vocab_size)
    tensors = rows | encoder_expected(model, rows) | generated(model, rows)
    model.zero_grad()
    (lengths, target_lengths) = (rows["lengths"], rows["target.lengths"])
    output = model(**arguments(rows), output_hidden_states=True)
    embedded = [output.encoder_hidden_states[0], output.decoder_hidden_states[0]]
    for states in embedded:
        states.retain_grad()
    w = torch.randn(
        len(rows["target.ids"]), model.config.vocab_size, generator=common.generator(SEED))
    (output.logits * common.padded(w, target_lengths)).sum().backward()
    bias = "block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    return tensors | {
        **{f"target.hidden.{k}": common.ragged(h, target_lengths)
           for k, h in enumerate(output.decoder_hidden_states)},
        "target.logits": common.ragged(output.logits, target_lengths),
        "target.w": w,
        "target.grad.source": common.ragged(embedded[0].grad, lengths),
        "target.grad.embeddings": common.ragged(embedded[1].grad, target_lengths),
        "target.grad.encoder_bias": model.encoder.get_parameter(bias).grad,
        "target.grad.decoder_bias": model.decoder.get_parameter(bias).grad,
    }


def buckets() -> dict[str, torch.Tensor]:
    """The buckets of distances, of published and of odd settings."""
    distances = torch.arange(-150, 151)
    tensors = {"distances": distances}
    for count, farthest in [(32, 128), (8, 11), (12, 40)]:
        for kind in ["encoder", "decoder"]:
            tensors[f"{kind}.{count}.{farthest}"] = T5Attention._relative_position_bucket(
                distances, kind == "encoder", count, farthest)
    return tensors


def main() -> None:
    for name, config in CONFIGS.items():
        model = build(config)
        model.save_pretrained(common.FIXTURES / name)
        common.save(f"{name}/expected.safetensors", expected(model), SEED)
    common.save("t5_buckets.safetensors", buckets(), SEED)


if __name__ == "__main__":
    main()

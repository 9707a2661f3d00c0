"""Tiny seeded encoders of BERT's relatives as Hugging Face folders, and what they compute.

Writes <model type>/<shape>/{config.json, model.safetensors, expected.safetensors}. Rows hold padding
tokens, too, and RoBERTa and DistilBERT are given no token types.
"""

from __future__ import annotations

import torch
from transformers import (
    AutoModel, DistilBertConfig, ElectraConfig, PretrainedConfig, RobertaConfig, XLMRobertaConfig,
)

import common

SEED = 11
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
SMALL = {
    "vocab_size": 64, "hidden_size": 12, "num_attention_heads": 3, "num_hidden_layers": 2,
    "intermediate_size": 21, **NO_DROPOUT,
}
#: Head width, hidden and inner sizes are odd.
ODD = {
    "vocab_size": 47, "hidden_size": 15, "num_attention_heads": 5, "num_hidden_layers": 2,
    "intermediate_size": 31, "hidden_act": "gelu_new", "layer_norm_eps": 1e-5, **NO_DROPOUT,
}
#: What DistilBERT calls the settings of the others.
DISTILBERT_NAMES = {
    "hidden_size": "dim", "num_attention_heads": "n_heads", "num_hidden_layers": "n_layers",
    "intermediate_size": "hidden_dim", "hidden_act": "activation",
    "hidden_dropout_prob": "dropout", "attention_probs_dropout_prob": "attention_dropout",
}


def distilbert(settings: dict) -> DistilBertConfig:
    known = {k: v for k, v in settings.items() if k != "layer_norm_eps"}
    return DistilBertConfig(
        max_position_embeddings=24, **{DISTILBERT_NAMES.get(k, k): v for k, v in known.items()})


CONFIGS: dict[str, PretrainedConfig] = {
    # Positions for rows of 16 tokens; one segment, as in the published models.
    "roberta/h12": RobertaConfig(max_position_embeddings=18, type_vocab_size=1, **SMALL),
    "roberta/h15": RobertaConfig(max_position_embeddings=24, pad_token_id=7, **ODD),
    "xlm-roberta/h12": XLMRobertaConfig(max_position_embeddings=20, type_vocab_size=1, **SMALL),
    "xlm-roberta/h15": XLMRobertaConfig(max_position_embeddings=19, type_vocab_size=1, **ODD),
    "distilbert/h12": distilbert(SMALL),
    "distilbert/h15": distilbert(ODD),
    "electra/h12": ElectraConfig(max_position_embeddings=20, embedding_size=10, **SMALL),
    # As wide as the blocks: no projection.
    "electra/h15": ElectraConfig(
        max_position_embeddings=20, embedding_size=15, type_vocab_size=3, **ODD),
}
#: The model types whose inputs have no token types.
WITHOUT_TYPES = {"roberta", "xlm-roberta", "distilbert"}


def build(config: PretrainedConfig) -> torch.nn.Module:
    model = AutoModel.from_config(config, attn_implementation="eager").eval()
    common.randomise(model, SEED)
    return model


def expected(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    inputs = common.ragged_inputs(model.config.vocab_size, SEED)
    padding = model.config.pad_token_id
    # One padding token within a row and one in front of another.
    inputs["ids"][[3, 6]] = padding
    lengths = inputs["lengths"]
    arguments = common.padded_inputs(inputs)
    if model.config.model_type in WITHOUT_TYPES:
        del arguments["token_type_ids"]
    embedded = []
    model.embeddings.register_forward_hook(lambda _, __, output: embedded.append(output))
    output = model(**arguments, output_hidden_states=True)
    embedded[0].retain_grad()
    w = torch.randn(len(inputs["ids"]), model.config.hidden_size, generator=common.generator(SEED))
    (output.last_hidden_state * common.padded(w, lengths)).sum().backward()
    tensors = {
        **inputs,
        **{f"hidden.{k}": common.ragged(h, lengths) for k, h in enumerate(output.hidden_states)},
        "w": w,
        "grad.embeddings": common.ragged(embedded[0].grad, lengths),
    }
    if getattr(output, "pooler_output", None) is not None:
        tensors["pooled"] = output.pooler_output
    return tensors


def main() -> None:
    for name, config in CONFIGS.items():
        model = build(config)
        model.save_pretrained(common.FIXTURES / name)
        common.save(f"{name}/expected.safetensors", expected(model), SEED)


if __name__ == "__main__":
    main()

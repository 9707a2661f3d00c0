"""T5 in training to answer rows with texts, and what it then writes (run t5.py first).

Writes seq2seq/<case>.safetensors: adapters of `adapters` and LoRA of `peft` on the tiny T5 models, ten steps with the
loss that `transformers` computes of padded labels, which it shifts itself; then the tokens that `generate` writes for
each source, greedily and by beam search.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import torch
from peft import LoraConfig, get_peft_model
from transformers import T5ForConditionalGeneration

import common
import methods
import t5
import t5_adapters
from methods import View

SEED = 16
#: Cases of t5_adapters.py that are trained here as well.
ADAPTERS = ["cross_adapter", "lora_everywhere", "lora_everywhere_gated"]
#: What `peft` calls projections, in both attentions of a decoder's block, and our roles.
PEFT = {"SelfAttention.q": "query", "SelfAttention.v": "value", "EncDecAttention.q": "cross_query",
        "EncDecAttention.v": "cross_value", "DenseReluDense.wo": "down"}
#: Starts at which no gradient is so small that AdamW would make much of its rounding.
PEFT_SEEDS = {"t5/v1_0": 19, "t5/v1_1": SEED}
ROLES = ",".join(f'"{role}"' for role in PEFT.values())


def lora(folder: str) -> tuple[torch.nn.Module, list[View]]:
    model = T5ForConditionalGeneration.from_pretrained(
        common.FIXTURES / folder, attn_implementation="eager")
    model = get_peft_model(model, LoraConfig(
        r=2, lora_alpha=3, target_modules=["q", "v", "wo"], task_type="SEQ_2_SEQ_LM"))
    return model.eval(), list(peft_views(model))


def peft_views(model: torch.nn.Module) -> Iterable[View]:
    pattern = re.compile(r"(encoder|decoder)\.block\.(\d+)\.layer\.\d\.(\w+\.\w+)\.(lora_[AB])\.")
    for key, parameter in sorted(model.named_parameters()):
        if parameter.requires_grad:
            tower, layer, module, matrix = pattern.search(key).groups()
            yield View(f"adapter.{tower}.{layer}.{PEFT[module]}.{matrix}", parameter)


def adapter(case: str) -> tuple[str, torch.nn.Module, list[View], str]:
    folder, (expression, configuration) = t5_adapters.CASES[case]
    model = t5_adapters.build(folder, configuration)
    return folder, model, list(t5_adapters.views(model, configuration)), expression


def written(model: torch.nn.Module, rows: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tokens that are generated for each source, the start token left out."""
    tokens = {}
    for name, setting in {"greedy": {}, "beam": {"num_beams": 3}}.items():
        for index, row in enumerate(rows["ids"].split(rows["lengths"].tolist())):
            output = model.generate(
                input_ids=row[None], attention_mask=torch.ones_like(row[None]), max_new_tokens=12,
                do_sample=False, use_cache=False, **setting)
            tokens[f"{name}.{index}"] = output[0, 1:]
    return tokens


def run(model: torch.nn.Module, views: list[View]) -> dict[str, torch.Tensor]:
    rows = t5.inputs(model.config.vocab_size)
    rows["labels"] = rows.pop("target.ids")
    rows["labels.lengths"] = rows.pop("target.lengths")
    lengths = rows["lengths"]
    batch = {
        "input_ids": common.padded(rows["ids"], lengths),
        "attention_mask": common.padded(torch.ones_like(rows["ids"]), lengths),
        "labels": common.padded(rows["labels"], rows["labels.lengths"], common.IGNORED_LABEL),
    }
    tensors = methods.run(model, views, rows, lambda: {"loss": model(**batch).loss[None]})
    return rows | tensors | written(model, rows)


def main() -> None:
    for case in ADAPTERS:
        folder, model, views, expression = adapter(case)
        for part in [".adapters.a.", ".loras.a."]:
            common.randomise(model, SEED, only=part)
        methods.save(
            f"seq2seq/{case}.safetensors", run(model, views), SEED, expression, None, model=folder)
    for folder, seed in PEFT_SEEDS.items():
        model, views = lora(folder)
        common.randomise(model, seed, only="lora_")
        methods.save(
            f"seq2seq/peft_{folder[3:]}.safetensors", run(model, views), seed,
            f"lora[r=2,alpha=3,target_modules=[{ROLES}]]", None, model=folder)


if __name__ == "__main__":
    main()

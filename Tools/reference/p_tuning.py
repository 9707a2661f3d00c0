"""P-tuning of `peft` (run bert.py and decoders.py first).

Writes p_tuning/<case>.safetensors: the prompt encoder of `peft` where `adapters` puts prompts, on the tiny
model bert/h16; and language_models/<model>_p_tuning.safetensors: `peft` itself on tiny causal models, which
have no norm behind their embeddings, so that both places are one.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from adapters import PromptTuningConfig
from peft import PromptEncoder, PromptEncoderConfig, get_peft_model
from transformers import AutoModelForCausalLM

import bottleneck
import common
import language_models
import methods
import prompt_tuning
from methods import View

SEED = 23
LENGTH = prompt_tuning.LENGTH
INNER = 12

CASES = {"p_tuning": "prefix", "after_bos": "prefix_after_bos"}
MODELS = ["llama/gqa", "mistral/window"]


def views(site: str, encoder: torch.nn.Module) -> Iterable[View]:
    yield View(f"adapter.{site}.embedding", encoder.embedding.weight)
    for index in range(3):
        yield from methods.linear_views(
            f"adapter.{site}.mlp.{index}", encoder.mlp_head[2 * index])


def expression(**settings: object) -> str:
    written = {"num_virtual_tokens": LENGTH, "encoder_hidden_size": INNER} | settings
    return "p_tuning[" + ",".join(f"{key}={value}" for key, value in written.items()) + "]"


def encoders() -> None:
    for name, combine in CASES.items():
        configuration = PromptTuningConfig(prompt_length=LENGTH, combine=combine)
        model = bottleneck.build(configuration, head_layers=1)
        encoder = PromptEncoder(PromptEncoderConfig(
            num_virtual_tokens=LENGTH, token_dim=model.config.hidden_size,
            num_transformer_submodules=1, encoder_hidden_size=INNER))
        model.bert.prompt_tuning.prompt_tunings["a"].prompt_embedding = encoder
        inputs = methods.labelled_inputs(model, SEED)
        for part in ["prompt_tunings", "heads.a."]:
            common.randomise(model, SEED, only=part)
        tensors = methods.run(
            model, [*views("encoder.embeddings", encoder), *methods.head_views(model)], inputs,
            lambda: prompt_tuning.forward(model, inputs, combine, "classification"))
        methods.save(
            f"p_tuning/{name}.safetensors", inputs | tensors, SEED,
            expression(combine=combine), None)


def decoders() -> None:
    for name in MODELS:
        base = AutoModelForCausalLM.from_pretrained(
            common.FIXTURES / name, attn_implementation="eager")
        configuration = PromptEncoderConfig(
            num_virtual_tokens=LENGTH, encoder_hidden_size=INNER, task_type="CAUSAL_LM")
        model = get_peft_model(base, configuration).eval()
        encoder = model.prompt_encoder["default"]
        common.randomise(encoder, SEED)
        fixture, _ = common.load(f"{name}/expected.safetensors")
        inputs = {key: fixture[key] for key in ["ids", "lengths"]}
        # A row's first token is given: before it there are none but the prompt's.
        wanted = torch.cat([
            (torch.arange(n) >= max(1, n // 3)).long() for n in inputs["lengths"].tolist()])
        parameters = {view.name: view.parameter for view in views("decoder.embeddings", encoder)}
        language_models.write(
            f"{name.replace('/', '_')}_p_tuning", model, parameters, inputs, wanted, SEED,
            model=name, method=expression())


if __name__ == "__main__":
    encoders()
    decoders()

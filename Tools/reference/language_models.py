"""Ten training steps of LoRA on tiny causal models, with a loss on some tokens of each row.

Writes language_models/<family>_<shape>.safetensors. The rows are those of the model's own fixture;
of each, some first tokens are a prompt (label -100) and the rest is to be written. The reference is
`peft` on the language model of `transformers`, with its own loss on a padded batch.
"""

from __future__ import annotations

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

import common

SEED = 12
STEPS = 10
OPTIMIZER = {"lr": 1e-2, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01}

#: What GPT-2 calls projections, and our roles. Of queries, keys and values it has one for all three.
GPT2 = {"attn.c_proj": "attention_output", "mlp.c_fc": "up", "mlp.c_proj": "down"}
LLAMA = {"self_attn.q_proj": "query", "self_attn.v_proj": "value", "mlp.gate_proj": "gate",
         "mlp.down_proj": "down"}
MODELS = {"llama/gqa": LLAMA, "llama/tied": LLAMA, "mistral/window": LLAMA, "qwen2/tied": LLAMA,
          "gpt2/tied": GPT2, "gpt2/untied": GPT2}


def build(name: str, roles: dict[str, str]) -> torch.nn.Module:
    model = AutoModelForCausalLM.from_pretrained(
        common.FIXTURES / name, attn_implementation="eager")
    config = LoraConfig(
        r=2, lora_alpha=3, target_modules=list(roles), task_type="CAUSAL_LM",
        fan_in_fan_out=name.startswith("gpt2"))
    # Nothing is dropped, as in evaluation: masks of two libraries never agree.
    return get_peft_model(model, config).eval()


def trained(model: torch.nn.Module, roles: dict[str, str]) -> dict[str, torch.nn.Parameter]:
    """The parameters in training by our names, such as `adapter.decoder.0.query.lora_A`."""
    found = {}
    for name, parameter in sorted(model.named_parameters()):
        if not parameter.requires_grad:
            continue
        layer = name.partition(".layers." if ".layers." in name else ".h.")[2].split(".")[0]
        role = next(ours for theirs, ours in roles.items() if f".{theirs}." in name)
        matrix = "lora_A" if "lora_A" in name else "lora_B"
        found[f"adapter.decoder.{layer}.{role}.{matrix}"] = parameter
    return dict(sorted(found.items()))


def main() -> None:
    for name, roles in MODELS.items():
        model = build(name, roles)
        parameters = trained(model, roles)
        normal = common.generator(SEED)
        with torch.no_grad():
            for parameter in parameters.values():
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=normal))
        fixture, _ = common.load(f"{name}/expected.safetensors")
        inputs = {key: fixture[key] for key in ["ids", "lengths"]}
        lengths = inputs["lengths"]
        prompts = [length // 3 for length in lengths.tolist()]
        wanted = torch.cat([(torch.arange(n) >= k).long() for n, k in zip(lengths, prompts)])
        method = "lora[r=2,alpha=3,target_modules=[{}]]".format(
            ",".join(f'"{role}"' for role in sorted(set(roles.values()))))
        write(
            name.replace("/", "_"), model, parameters, inputs, wanted, SEED,
            model=name, method=method)


def write(
    name: str,
    network: torch.nn.Module,
    parameters: dict[str, torch.nn.Parameter],
    inputs: dict[str, torch.Tensor],
    wanted: torch.Tensor,
    seed: int,
    **metadata: str,
) -> None:
    """Trains the parameters and writes a fixture; what is `wanted` has a loss."""
    lengths = inputs["lengths"]
    labels = inputs["ids"].where(wanted == 1, common.IGNORED_LABEL)
    batch = {
        "input_ids": common.padded(inputs["ids"], lengths),
        "attention_mask": common.padded(torch.ones_like(inputs["ids"]), lengths),
        "labels": common.padded(labels, lengths, common.IGNORED_LABEL),
    }
    tensors = {key: value.detach().clone() for key, value in parameters.items()}
    optimizer = torch.optim.AdamW(parameters.values(), **OPTIMIZER)
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = network(**batch).loss
        loss.backward()
        losses.append(loss.detach())
        if step == 0:
            tensors |= {f"grad.{key}": p.grad.clone() for key, p in parameters.items()}
        optimizer.step()
    tensors |= {f"after.{key}": p.detach() for key, p in parameters.items()}
    common.save(
        f"language_models/{name}.safetensors",
        {**inputs, "wanted": wanted, **tensors, "losses": torch.stack(losses)}, seed, **metadata)


if __name__ == "__main__":
    main()

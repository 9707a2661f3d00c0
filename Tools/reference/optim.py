"""AdamW, gradient clipping and learning-rate schedules: writes optim.safetensors."""

from __future__ import annotations

import torch
from transformers import (
    get_constant_schedule_with_warmup, get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)

import common

SEED = 4
SIZE = 12
STEPS = 8
SCHEDULE_STEPS = 20
WARMUP_STEPS = 4
BASE_RATE = 1e-3


def adamw() -> dict[str, torch.Tensor]:
    """Values and moments before the first and after each step, under given gradients."""
    random = common.generator(SEED)
    start = torch.randn(SIZE, generator=random)
    # Magnitudes from 1 to 1e-9 show the place of epsilon.
    magnitudes = 10 ** -torch.linspace(0, 9, SIZE)
    gradients = torch.randn(STEPS, SIZE, generator=random) * magnitudes
    tensors = {"adamw.start": start, "adamw.gradients": gradients}
    for name, decay in {"no_decay": 0.0, "decay": 0.1}.items():
        parameter = torch.nn.Parameter(start.clone())
        optimizer = torch.optim.AdamW(
            [parameter], lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=decay)
        values = []
        for gradient in gradients:
            parameter.grad = gradient.clone()
            optimizer.step()
            values.append(parameter.detach().clone())
        state = optimizer.state[parameter]
        tensors |= {
            f"adamw.{name}.values": torch.stack(values),
            f"adamw.{name}.exp_avg": state["exp_avg"],
            f"adamw.{name}.exp_avg_sq": state["exp_avg_sq"],
        }
    return tensors


def clipping() -> dict[str, torch.Tensor]:
    """Two gradients of one model before and after clipping their joint norm."""
    random = common.generator(SEED)
    before = [torch.randn(3, 4, generator=random), torch.randn(5, generator=random)]
    tensors = {f"clip.before.{k}": value for k, value in enumerate(before)}
    for name, limit in {"above": 1.0, "below": 100.0}.items():
        parameters = [torch.nn.Parameter(torch.zeros_like(value)) for value in before]
        for parameter, value in zip(parameters, before):
            parameter.grad = value.clone()
        norm = torch.nn.utils.clip_grad_norm_(parameters, limit)
        tensors |= {f"clip.{name}.after.{k}": p.grad for k, p in enumerate(parameters)}
        tensors |= {f"clip.{name}.norm": norm[None], f"clip.{name}.limit": torch.tensor([limit])}
    return tensors


def schedules() -> dict[str, torch.Tensor]:
    """The learning rate in force at each step (counted from 0), float64."""
    makers = {
        "linear": lambda o: get_linear_schedule_with_warmup(o, WARMUP_STEPS, SCHEDULE_STEPS),
        "cosine": lambda o: get_cosine_schedule_with_warmup(o, WARMUP_STEPS, SCHEDULE_STEPS),
        "constant": lambda o: get_constant_schedule_with_warmup(o, WARMUP_STEPS),
    }
    tensors = {}
    for name, make in makers.items():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=BASE_RATE)
        schedule = make(optimizer)
        rates = []
        for _ in range(SCHEDULE_STEPS):
            rates.append(schedule.get_last_lr()[0])
            optimizer.step()
            schedule.step()
        tensors[f"schedule.{name}"] = torch.tensor(rates, dtype=torch.float64)
    return tensors


def main() -> None:
    common.save(
        "optim.safetensors", adamw() | clipping() | schedules(), SEED,
        adamw='{"lr": 0.01, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": [0, 0.1]}',
        schedule='{"base": 0.001, "warmup": 4, "steps": 20}')


if __name__ == "__main__":
    main()

"""Prediction heads of AdapterHub's `adapters` on the tiny model bert/h16 (run bert.py first).

Writes heads/<case>.safetensors: a head's parameters, logits, loss and gradients over the untouched
model; and losses.safetensors: torch's losses over given logits, with their gradients.
"""

from __future__ import annotations

import json
from typing import Any

import torch
from adapters import AutoAdapterModel
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss

import common

SEED = 3
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "classification_1": ("classification", {"num_labels": 3, "layers": 1}),
    "classification_2": ("classification", {"num_labels": 3, "layers": 2}),
    "classification_1_pooler": (
        "classification", {"num_labels": 3, "layers": 1, "use_pooler": True}),
    "classification_2_pooler": (
        "classification", {"num_labels": 3, "layers": 2, "use_pooler": True}),
    "regression_1": ("classification", {"num_labels": 1, "layers": 1}),
    "regression_2": ("classification", {"num_labels": 1, "layers": 2}),
    "multilabel_1": ("multilabel", {"num_labels": 4, "layers": 1}),
    "multilabel_2": ("multilabel", {"num_labels": 4, "layers": 2}),
    "tagging_1": ("tagging", {"num_labels": 5, "layers": 1}),
    "tagging_2": ("tagging", {"num_labels": 5, "layers": 2}),
}


def build(kind: str, settings: dict[str, Any]) -> torch.nn.Module:
    """The frozen model without an adapter, with the head `a`."""
    model = AutoAdapterModel.from_pretrained(
        common.FIXTURES / "bert" / "h16", attn_implementation="eager")
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    settings = {**settings, "activation_function": "tanh"}
    if kind == "classification":
        model.add_classification_head("a", **settings)
    elif kind == "multilabel":
        model.add_classification_head("a", multilabel=True, **settings)
    else:
        model.add_tagging_head("a", **settings)
    common.randomise(model, SEED, only="heads.a.")
    return model.eval()


def random_labels(kind: str, classes: int, lengths: torch.Tensor) -> torch.Tensor:
    random = common.generator(SEED)
    rows = len(lengths)
    if kind == "multilabel":
        return torch.randint(0, 2, (rows, classes), generator=random).float()
    if kind == "tagging":
        labels = torch.randint(0, classes, (int(lengths.sum()),), generator=random)
        # Continuations of words carry no label.
        labels[::4] = common.IGNORED_LABEL
        return labels
    if classes == 1:
        return torch.randn(rows, generator=random)
    return torch.randint(0, classes, (rows,), generator=random)


def run(model: torch.nn.Module, kind: str, inputs: dict[str, torch.Tensor]) -> dict[str, Any]:
    lengths, labels = inputs["lengths"], inputs["labels"]
    if kind == "tagging":
        labels = common.padded(labels, lengths, fill=common.IGNORED_LABEL)
    output = model(**common.padded_inputs(inputs), labels=labels, output_hidden_states=True)
    output.loss.backward()
    logits = common.ragged(output.logits, lengths) if kind == "tagging" else output.logits
    head = dict(model.heads["a"].named_parameters())
    return {
        "hidden": common.ragged(output.hidden_states[-1], lengths),
        "logits": logits,
        "loss": output.loss[None],
        **{f"head.{name}": parameter for name, parameter in head.items()},
        **{f"grad.head.{name}": parameter.grad for name, parameter in head.items()},
    }


def losses() -> dict[str, torch.Tensor]:
    random = common.generator(SEED)
    logits = 2 * torch.randn(7, 4, generator=random)
    labels = torch.tensor([2, 0, 1, 1, 3, 2, 0])
    ignored = labels.clone()
    ignored[[1, 4]] = common.IGNORED_LABEL
    weights = torch.tensor([0.5, 1.0, 2.0, 3.0])
    targets = torch.randn(7, 4, generator=random)
    binary = torch.randint(0, 2, (7, 4), generator=random).float()
    cases = {
        "plain": lambda x: cross_entropy(x, labels),
        "ignored": lambda x: cross_entropy(x, ignored),
        "smoothed": lambda x: cross_entropy(x, labels, label_smoothing=0.1),
        "weighted": lambda x: cross_entropy(x, labels, weights),
        "weighted_smoothed": lambda x: cross_entropy(x, labels, weights, label_smoothing=0.1),
        "weighted_smoothed_ignored":
            lambda x: cross_entropy(x, ignored, weights, label_smoothing=0.1),
        "squared_error": lambda x: mse_loss(x, targets),
        "binary": lambda x: binary_cross_entropy_with_logits(x, binary),
    }
    tensors = {
        "logits": logits, "labels": labels, "labels_ignored": ignored, "class_weights": weights,
        "targets": targets, "binary_labels": binary, "label_smoothing": torch.tensor([0.1]),
    }
    for name, function in cases.items():
        leaf = logits.clone().requires_grad_()
        loss = function(leaf)
        (gradient,) = torch.autograd.grad(loss, leaf)
        tensors |= {f"loss.{name}": loss[None], f"grad.{name}": gradient}
    return tensors


def main() -> None:
    for name, (kind, settings) in CASES.items():
        model = build(kind, settings)
        inputs = common.ragged_inputs(model.config.vocab_size, SEED)
        inputs["labels"] = random_labels(kind, settings["num_labels"], inputs["lengths"])
        config = json.dumps(model.heads["a"].config)
        common.save(
            f"heads/{name}.safetensors", inputs | run(model, kind, inputs), SEED, config=config)
    common.save("losses.safetensors", losses(), SEED)


if __name__ == "__main__":
    main()

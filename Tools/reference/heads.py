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
#: How many of the rows are the choices of one question.
CHOICES = [2, 4, 1]
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
    "question-answering_1": ("question-answering", {"layers": 1}),
    "question-answering_2": ("question-answering", {"layers": 2}),
    "multiple-choice_1": ("multiple-choice", {"layers": 1}),
    "multiple-choice_2": ("multiple-choice", {"layers": 2}),
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
    elif kind == "tagging":
        model.add_tagging_head("a", **settings)
    elif kind == "question-answering":
        model.add_qa_head("a", num_labels=2, **settings)
    else:
        model.add_multiple_choice_head("a", **settings)
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


def answers(kind: str, classes: int, lengths: torch.Tensor) -> dict[str, torch.Tensor]:
    """The labels of the rows, and whatever else says what they are labels of."""
    random = common.generator(SEED)
    if kind == "question-answering":
        # Where the answer of each row begins and ends, the first token for none.
        places = [torch.randint(0, n, (2,), generator=random).sort().values
                  for n in lengths.tolist()]
        return {"labels": torch.stack(places)}
    if kind == "multiple-choice":
        counts = torch.tensor(CHOICES)
        return {"counts": counts, "labels": torch.stack(
            [torch.randint(0, n, (), generator=random) for n in CHOICES])}
    return {"labels": random_labels(kind, classes, lengths)}


def parted(model: torch.nn.Module, kind: str, inputs: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Of tasks whose rows choose among as many things as they have: the mean loss of rows that are computed alone.

    The reference counts padding among the tokens where an answer may begin, and has one number of choices for all
    rows; of one row alone neither shows.
    """
    rows = common.row_inputs(inputs)
    if kind == "multiple-choice":
        sizes = inputs["counts"].tolist()
    else:
        sizes = [1] * len(rows)
    hidden, logits, losses, start = [], [], [], 0
    for index, size in enumerate(sizes):
        part = {k: v[start:start + size] for k, v in common.padded_inputs(inputs).items()}
        start += size
        if kind == "multiple-choice":
            model.heads["a"].config["num_choices"] = size
            answer = {"labels": inputs["labels"][index:index + 1]}
        else:
            part = rows[index]
            # The reference clamps its arguments in place.
            first, last = inputs["labels"][index]
            answer = {
                "start_positions": first[None].clone(), "end_positions": last[None].clone()}
        output = model(**part, **answer, output_hidden_states=True)
        losses.append(output.loss)
        states = output.hidden_states[-1]
        if kind == "multiple-choice":
            hidden.append(common.ragged(states, part["attention_mask"].sum(dim=1)))
            logits.append(output.logits.reshape(-1, 1))
        else:
            hidden.append(states[0])
            logits.append(torch.stack([output.start_logits[0], output.end_logits[0]], dim=-1))
    loss = torch.stack(losses).mean()
    loss.backward()
    return {"hidden": torch.cat(hidden), "logits": torch.cat(logits), "loss": loss[None]}


def run(model: torch.nn.Module, kind: str, inputs: dict[str, torch.Tensor]) -> dict[str, Any]:
    if kind in ["question-answering", "multiple-choice"]:
        return parted(model, kind, inputs) | head_tensors(model)
    lengths, labels = inputs["lengths"], inputs["labels"]
    if kind == "tagging":
        labels = common.padded(labels, lengths, fill=common.IGNORED_LABEL)
    output = model(**common.padded_inputs(inputs), labels=labels, output_hidden_states=True)
    output.loss.backward()
    logits = common.ragged(output.logits, lengths) if kind == "tagging" else output.logits
    return {
        "hidden": common.ragged(output.hidden_states[-1], lengths),
        "logits": logits,
        "loss": output.loss[None],
        **head_tensors(model),
    }


def head_tensors(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The head's parameters and their gradients."""
    head = dict(model.heads["a"].named_parameters())
    return {
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
        inputs |= answers(kind, settings.get("num_labels", 2), inputs["lengths"])
        config = json.dumps(model.heads["a"].config)
        common.save(
            f"heads/{name}.safetensors", inputs | run(model, kind, inputs), SEED, config=config)
    common.save("losses.safetensors", losses(), SEED)


if __name__ == "__main__":
    main()

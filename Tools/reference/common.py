"""What all fixture scripts share: where fixtures live, seeded values, ragged rows, writing files.

Importing this module makes torch deterministic and single-threaded, and keeps the Hugging Face
libraries off the network.
"""

from __future__ import annotations

import json
import logging
import os
from importlib.metadata import version
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from safetensors import safe_open
from safetensors.torch import save as serialise

# `train_adapter` itself triggers a warning of `adapters` that no adapter is active yet.
logging.getLogger("adapters").setLevel(logging.ERROR)
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

FIXTURES = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures"

#: Row lengths of the shared batch: unsorted, with repeats and a row of one token.
LENGTHS = [5, 1, 9, 5, 3, 12, 1]

IGNORED_LABEL = -100


def versions() -> str:
    """The installed versions of the reference libraries, as JSON."""
    names = ["torch", "transformers", "adapters", "peft"]
    return json.dumps({name: version(name) for name in names})


def save(path: str, tensors: dict[str, torch.Tensor], seed: int, **metadata: str) -> None:
    """Writes `tensors` below the fixtures folder, with the versions and the seed as metadata."""
    target = FIXTURES / path
    target.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
    metadata = {"versions": versions(), "seed": str(seed), **metadata}
    target.write_bytes(with_sorted_metadata(serialise(tensors, metadata)))


def with_sorted_metadata(file: bytes) -> bytes:
    """The same safetensors file with its metadata in order, which the library writes in any."""
    size = int.from_bytes(file[:8], "little")
    header = json.loads(file[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    # The data that follow are to begin at a multiple of eight.
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + file[8 + size :]


def load(path: str | Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Reads a fixture back: its tensors and its metadata."""
    with safe_open(FIXTURES / path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def randomise(module: torch.nn.Module, seed: int, only: str = "") -> None:
    """Gives every parameter whose name contains `only` a seeded normal value.

    Multiplicative parameters (weights of norms, scalings) are drawn around one, so that
    their effect shows without silencing what they multiply.
    """
    normal = generator(seed)
    for name, parameter in sorted(module.named_parameters()):
        if only not in name:
            continue
        values = torch.randn(parameter.shape, generator=normal)
        owner, _, leaf = name.rpartition(".")
        is_norm = type(module.get_submodule(owner)).__name__.endswith(("LayerNorm", "RMSNorm"))
        if is_norm:
            values = 0.1 * values + (1 if leaf == "weight" else 0)
        elif leaf == "scaling":
            values = 0.3 * values + 1
        else:
            values = 0.3 * values
        with torch.no_grad():
            parameter.copy_(values)


def ragged_inputs(vocabulary: int, seed: int) -> dict[str, torch.Tensor]:
    """Token ids and token types of rows with `LENGTHS` tokens, concatenated without padding."""
    random = generator(seed)
    tokens = sum(LENGTHS)
    # Like a text pair: the first part of each row is of type 0, the rest of type 1.
    types = [(torch.arange(n) > n // 2).long() for n in LENGTHS]
    return {
        "ids": torch.randint(1, vocabulary, (tokens,), generator=random),
        "type_ids": torch.cat(types),
        "lengths": torch.tensor(LENGTHS),
    }


def padded(values: torch.Tensor, lengths: torch.Tensor, fill: float = 0) -> torch.Tensor:
    """Ragged rows `[tokens, ...]` as a padded batch `[rows, longest, ...]`."""
    rows = values.split(lengths.tolist())
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=fill)


def ragged(values: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """The real tokens `[tokens, ...]` of a padded batch `[rows, longest, ...]`."""
    return torch.cat([row[:length] for row, length in zip(values, lengths.tolist())])


def padded_inputs(inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The arguments of a transformers model for ragged `inputs`."""
    lengths = inputs["lengths"]
    return {
        "input_ids": padded(inputs["ids"], lengths),
        "token_type_ids": padded(inputs["type_ids"], lengths),
        "attention_mask": padded(torch.ones_like(inputs["ids"]), lengths),
    }


def row_inputs(inputs: dict[str, torch.Tensor]) -> list[dict[str, torch.Tensor]]:
    """The arguments of a transformers model for each row alone, where nothing is padded."""
    lengths = inputs["lengths"].tolist()
    rows = zip(inputs["ids"].split(lengths), inputs["type_ids"].split(lengths))
    return [{"input_ids": ids[None], "token_type_ids": types[None]} for ids, types in rows]

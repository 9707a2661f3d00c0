#!/usr/bin/env python3
"""Writes the safetensors files that Tests/GraftFormatsTests reads and must reproduce byte for byte.

Made with safetensors 0.8.0 and torch 2.13.0 (CPU). Nothing is random.

    python Tools/reference/safetensors_files.py Tests/GraftFormatsTests/Fixtures
"""

import hashlib
import json
import struct
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

TYPES = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E4M3": torch.float8_e4m3fn,
    "I16": torch.int16,
    "U16": torch.uint16,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I32": torch.int32,
    "U32": torch.uint32,
    "F32": torch.float32,
    "F64": torch.float64,
    "I64": torch.int64,
    "U64": torch.uint64,
}


def every_type() -> dict[str, torch.Tensor]:
    """One tensor per type, named after it, with the values 0, 1, 2, ... (for bool: odd or not)."""
    count = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    tensors = {name: count.to(dtype) for name, dtype in TYPES.items() if name != "BOOL"}
    tensors["BOOL"] = count % 2 == 1
    return tensors


def odd_names() -> dict[str, torch.Tensor]:
    """Scalars, empty tensors, odd sizes (so that later ones are not aligned) and hard names."""
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    return {
        "scalar": torch.tensor(2.5, dtype=torch.bfloat16),
        "empty": torch.zeros(0, 4, dtype=torch.float32),
        "odd": torch.tensor([True, False, True]),
        "": torch.tensor([1], dtype=torch.uint8),
        "Gewicht-\u00df-\u91cd\u307f-\U0001f9e0": torch.arange(3, dtype=torch.int64),
        'quote" back\\slash\tnew\nline\x01\x7f/': torch.arange(2, dtype=torch.float16),
        composed: torch.tensor([1.0]),
        decomposed: torch.tensor([2.0]),
    }


def content_hash(path: Path) -> str:
    """The definition in Sources/GraftFormats/ContentHash.swift, written a second time."""
    raw = path.read_bytes()
    start = 8 + struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:start])
    header.pop("__metadata__", None)

    def number(value: int) -> bytes:
        return struct.pack("<Q", value)

    def string(text: str) -> bytes:
        return number(len(text.encode())) + text.encode()

    whole = hashlib.sha256(string("graft-weights-1") + number(len(header)))
    for name in sorted(header, key=str.encode):
        tensor = header[name]
        first, last = tensor["data_offsets"]
        whole.update(string(name) + string(tensor["dtype"]) + number(len(tensor["shape"])))
        whole.update(b"".join(map(number, tensor["shape"])))
        whole.update(hashlib.sha256(raw[start + first : start + last]).digest())
    return whole.hexdigest()


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    save_file(every_type(), folder / "every_type.safetensors", metadata={"format": "pt"})
    save_file(odd_names(), folder / "odd_names.safetensors")
    hashes = {path.name: content_hash(path) for path in sorted(folder.glob("*.safetensors"))}
    (folder / "content_hashes.json").write_text(json.dumps(hashes, indent=4) + "\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes a Llama folder of the shape of Llama 3 8B with random bfloat16 weights, and measures what loading it takes.

  python3 Benchmarks/large_model.py --graft .build/release/graft --folder /tmp/large --layers 32

With fewer --layers the folder is smaller (0.44 GB a layer, 2.1 GB besides); everything else is as in the large one. A shard a layer. The
command that is measured reads the whole model once and writes two tokens; its largest resident memory, which pages of mapped
files count among, is set beside the size of the weights. Python's own modules suffice.
"""
import argparse
import json
import os
import random
import struct
import subprocess
import time

HIDDEN, INNER, HEADS, KEY_HEADS, VOCABULARY = 4096, 14336, 32, 8, 128256
KEYS = HIDDEN // HEADS * KEY_HEADS
#: A megabyte of bfloat16 numbers around 0.01, of either sign: what is written, over and over.
NOISE = b"".join(
    bytes((number & 255, 0x3C if number < 256 else 0xBC)) for number in random.Random(0).choices(range(512), k=1 << 19))


def write_shard(path: str, shapes: dict[str, tuple[int, ...]]) -> None:
    header, position = {}, 0
    for name, shape in shapes.items():
        size = 2
        for dimension in shape:
            size *= dimension
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [position, position + size]}
        position += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        left = position
        while left > 0:
            left -= file.write(NOISE[:left])


def write_model(folder: str, layers: int) -> int:
    """Writes the folder and returns the bytes of its weights."""
    os.makedirs(folder, exist_ok=True)
    shards = {"embeddings": {"model.embed_tokens.weight": (VOCABULARY, HIDDEN), "model.norm.weight": (HIDDEN,)},
              "head": {"lm_head.weight": (VOCABULARY, HIDDEN)}}
    for layer in range(layers):
        names = f"model.layers.{layer}."
        shards[f"layer-{layer}"] = {
            names + "input_layernorm.weight": (HIDDEN,), names + "post_attention_layernorm.weight": (HIDDEN,),
            names + "self_attn.q_proj.weight": (HIDDEN, HIDDEN), names + "self_attn.k_proj.weight": (KEYS, HIDDEN),
            names + "self_attn.v_proj.weight": (KEYS, HIDDEN), names + "self_attn.o_proj.weight": (HIDDEN, HIDDEN),
            names + "mlp.gate_proj.weight": (INNER, HIDDEN), names + "mlp.up_proj.weight": (INNER, HIDDEN),
            names + "mlp.down_proj.weight": (HIDDEN, INNER)}
    places = {}
    for number, (kind, shapes) in enumerate(shards.items()):
        name = f"model-{number + 1:05}-of-{len(shards):05}.safetensors"
        write_shard(f"{folder}/{name}", shapes)
        places |= {tensor: name for tensor in shapes}
    size = sum(os.path.getsize(f"{folder}/{name}") for name in set(places.values()))
    settings = {
        "model_type": "llama", "hidden_size": HIDDEN, "intermediate_size": INNER, "num_hidden_layers": layers,
        "num_attention_heads": HEADS, "num_key_value_heads": KEY_HEADS, "vocab_size": VOCABULARY,
        "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 500000.0, "eos_token_id": VOCABULARY - 1}
    index = {"metadata": {"total_size": size}, "weight_map": places}
    # One token for each printable character is all that a prompt of one letter needs.
    words = {chr(code): code - 33 for code in range(33, 127)}
    tokenizer = {"version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None,
                 "decoder": None, "truncation": None, "padding": None,
                 "model": {"type": "BPE", "vocab": words, "merges": [], "unk_token": "?"}}
    for name, content in [("config.json", settings), ("model.safetensors.index.json", index),
                          ("tokenizer.json", tokenizer)]:
        with open(f"{folder}/{name}", "w") as file:
            json.dump(content, file)
    return size


def measure(command: list[str]) -> tuple[float, int]:
    """Seconds and the largest resident memory, in bytes, of a command."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(command)}: status {status}")
    return time.monotonic() - start, usage.ru_maxrss * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graft", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--layers", type=int, default=32)
    options = parser.parse_args()
    size = write_model(options.folder, options.layers)
    print(f"weights of {options.layers} layers: {size / 1e9:.2f} GB")
    inspect = [options.graft, "inspect", options.folder, "--json"]
    generate = [options.graft, "generate", "--model", options.folder, "--dtype", "bfloat16", "--text", "a",
                "--max-new-tokens", "2"]
    for name, command in [("loading", inspect), ("two tokens", generate)]:
        seconds, memory = measure(command)
        print(f"{name}: {seconds:.1f} s, {memory / 1e9:.2f} GB resident, {memory / size:.3f} of the weights")


if __name__ == "__main__":
    main()

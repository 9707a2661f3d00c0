#!/usr/bin/env python3
"""Writes a model folder of BERT-base's shape with random weights, for speed comparisons where no such model is at hand.

  python3 Benchmarks/random_model.py --tokenizer all-MiniLM-L6-v2 --output bert-base-random

The tokenizer's files and the vocabulary's size are those of another model folder. Equal seeds give equal weights.
Needs torch and transformers (Tools/reference/requirements.txt).
"""
import argparse
import json
import os
import shutil

TOKENIZER = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--tokenizer", required=True, help="a model folder with a WordPiece tokenizer")
    p.add_argument("--output", required=True)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--hidden", type=int, default=768)
    p.add_argument("--layers", type=int, default=12)
    p.add_argument("--heads", type=int, default=12)
    p.add_argument("--inner", type=int, default=3072)
    a = p.parse_args()

    import torch
    from transformers import BertConfig, BertModel

    with open(os.path.join(a.tokenizer, "config.json"), encoding="utf-8") as file:
        vocabulary = json.load(file)["vocab_size"]
    torch.manual_seed(a.seed)
    config = BertConfig(vocab_size=vocabulary, hidden_size=a.hidden, num_hidden_layers=a.layers,
                        num_attention_heads=a.heads, intermediate_size=a.inner)
    model = BertModel(config)
    model.save_pretrained(a.output)
    for name in TOKENIZER:
        if os.path.exists(os.path.join(a.tokenizer, name)):
            shutil.copy(os.path.join(a.tokenizer, name), a.output)
    print(f"{a.output}: {sum(q.numel() for q in model.parameters()):,} parameters, seed {a.seed}")


if __name__ == "__main__":
    main()

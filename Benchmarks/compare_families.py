#!/usr/bin/env python3
"""Trains adapters on a ViT, a CLIP, a T5 and a Llama model, and generates, with Graft and its peers in turn.

  python3 Benchmarks/stand_ins.py --data DATA --tokenizer all-MiniLM-L6-v2 --output stand-ins
  for model in vit clip t5 llama; do swift run -c release RandomModel stand-ins/$model; done
  python3 Benchmarks/compare_families.py --graft .build/release/graft --python PEER_PYTHON --stand-ins stand-ins

The peers are `adapters` (seq_bn) and, for Llama, `peft` (LoRA), in plain loops (`peer_families.py`): their clock runs in steps
alone, behind the first two, and in `generate` alone, while Graft's training includes all steps and its generation is the whole process with
its start. Greedy generation must write the same texts. Prints medians and ratios of the runs' pairs as a Markdown table. Nothing else should
run on the machine; this script needs Python alone.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

# By name: the peer's family, the model, its rows, how many, the batch, and Graft's arguments.
TRAINING = {
    "ViT, seq_bn": ("vit", "vit", "pictures/then/train", 2000, 16, ["--task", "image-classification", "--method", "seq_bn"]),
    "CLIP, seq_bn": ("clip", "clip", "captions.then.train.jsonl", 2000, 64, ["--task", "image-text", "--method", "seq_bn"]),
    "T5, seq_bn": ("t5", "t5", "translations.then.train.jsonl", 2000, 32, [
        "--task", "seq2seq", "--method", "seq_bn", "--max-length", "96", "--max-target-length", "96", "--text-column", "text"]),
    "Llama of 100 million weights, LoRA": ("llama", "llama", "translations.then.train.jsonl", 192, 16, [
        "--task", "causal-lm", "--method", "lora[r=8,alpha=16]", "--max-length", "96", "--text-column", "text"]),
}
# By name: the rows, and the batch.
GENERATION = {"Llama, greedy, a row at a time": (4, 1), "Llama, greedy, 8 rows at a time": (32, 8)}
NEW_TOKENS = 64


def run(command, folder):
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr.strip()[-2000:]}")
    return done.stdout, time.perf_counter() - start


def trained(a, folder, family, model, data, rows, batch, arguments):
    peer = json.loads(run([
        a.python, a.peer, family, "--model", model, "--data", data, "--rows", str(rows), "--batch", str(batch)],
        a.stand_ins)[0].splitlines()[-1])
    ours = json.loads(run([
        a.graft, "train", "--model", model, "--train", data, "--limit", str(rows), "--batch", str(batch), "--epochs", "1",
        *arguments, "--output", f"{folder}/adapter", "--overwrite", "--json", "--quiet"], a.stand_ins)[0])
    return ((ours["examples_per_second"], ours["peak_rss_bytes"]), (peer["rows_per_second"], peer["peak_rss_bytes"]))


def generated(a, folder, rows, batch):
    data = "translations.then.test.jsonl"
    peer = json.loads(run([
        a.python, a.peer, "generate", "--model", "llama", "--data", data, "--rows", str(rows), "--batch", str(batch),
        "--new-tokens", str(NEW_TOKENS)], a.stand_ins)[0].splitlines()[-1])
    # An adapter that is at its start, as the peer's is.
    adapter = f"{folder}/start"
    if not os.path.exists(adapter):
        run([a.graft, "train", "--model", "llama", "--task", "causal-lm", "--train", data, "--text-column", "text", "--limit", "1",
             "--method", "lora[r=8,alpha=16]", "--learning-rate", "1e-30", "--output", adapter, "--quiet"], a.stand_ins)
    output, seconds = run([
        a.graft, "generate", "--model", "llama", "--adapter", adapter, "--data", data, "--text-column", "text", "--limit", str(rows),
        "--batch", str(batch), "--max-new-tokens", str(NEW_TOKENS), "--json"], a.stand_ins)
    ours = [json.loads(line) for line in output.splitlines()]
    for row, text in zip(ours, peer["texts"]):
        if row["text"].split() != text.split():
            raise SystemExit(f"row {row['id']}: Graft wrote\n{row['text']}\nand the peer\n{text}")
    return ((sum(row["tokens"] for row in ours) / seconds, None), (peer["tokens_per_second"], None))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--graft", required=True, type=os.path.abspath)
    p.add_argument("--python", default="python3", help="an interpreter with the peers installed")
    p.add_argument("--peer", default=os.path.join(os.path.dirname(__file__), "peer_families.py"), type=os.path.abspath)
    p.add_argument("--stand-ins", required=True)
    p.add_argument("--runs", type=int, default=3)
    a = p.parse_args()
    print("| | graft | peer | graft / peer | memory, MB | of the peer's |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        measured = [(f"{name}: training, rows/s", lambda case=case: trained(a, folder, *case)) for name, case in TRAINING.items()]
        measured += [(f"{name}: tokens/s", lambda case=case: generated(a, folder, *case)) for name, case in GENERATION.items()]
        for name, measure in measured:
            print(f"compare: {name}", file=sys.stderr, flush=True)
            pairs = [measure() for _ in range(a.runs)]
            ours, theirs = (statistics.median(pair[side][0] for pair in pairs) for side in (0, 1))
            ratio = statistics.median(pair[0][0] / pair[1][0] for pair in pairs)
            memory = [pair[0][1] for pair in pairs if pair[0][1]]
            share = [pair[0][1] / pair[1][1] for pair in pairs if pair[0][1]]
            sizes = f"{statistics.median(memory) / 1e6:.0f} | {statistics.median(share):.2f}" if memory else "|"
            print(f"| {name} | {ours:.1f} | {theirs:.1f} | {ratio:.2f} | {sizes} |", flush=True)


if __name__ == "__main__":
    main()

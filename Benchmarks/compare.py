#!/usr/bin/env python3
"""Runs Graft and its peers in turn on the same rows, and prints medians and ratios as one Markdown table.

  python3 Benchmarks/compare.py --graft .build/release/graft --python PEER_PYTHON \\
      --model all-MiniLM-L6-v2 --data sst2 sst2/train_20k.jsonl.gz sst2/dev.jsonl.gz 4000 \\
      --data ag_news ag_news/train_10k.jsonl.gz ag_news/test.jsonl.gz 2000 --encode-rows 10000

--model and --data may be given several times; all pairs are run. Against is a list of `default` (the peer's padding),
`group` (its group_by_length), `peft:lora` and `peft:lora:group` (beside `--method lora`). With --encode-rows the first data set's training
texts are also encoded, beside sentence-transformers. PEER_PYTHON is an interpreter with the peers installed
(Tools/reference/requirements.txt, and sentence-transformers for encoding); this script needs Python alone, and Graft none.
Nothing else should run on the machine. A ratio is the median of those of the runs' pairs.
"""
import argparse
import array
import gzip
import json
import os
import shlex
import statistics
import struct
import subprocess
import sys
import tempfile
import time

# What a run is compared by, and how a figure is printed.
FIGURES = {
    "examples_per_second": ("training rows/s", "{:.1f}"),
    "eval_examples_per_second": ("evaluation rows/s", "{:.1f}"),
    "eval_process_rows_per_second": ("rows/s of `graft eval` with its start, beside evaluation alone", "{:.1f}"),
    "ready_seconds": ("ready, s", "{:.2f}"),
    "train_seconds": ("training, s", "{:.2f}"),
    "peak_rss_bytes": ("peak memory, bytes", "{:.0f}"),
    "trainable_parameters": ("trained parameters", "{:.0f}"),
    "accuracy": ("accuracy", "{:.4f}"),
    "encode_rows_per_second": ("encoded rows/s", "{:.1f}"),
    "process_rows_per_second": ("rows/s of the whole process", "{:.1f}"),
}

# Our arguments, the peer's method and its flags, by the name of a comparison.
BOTTLENECK = ("--method", "double_seq_bn")
# The peer's script sets rank 8 and alpha 16; its model has a linear layer on the pooler.
LORA = ("--method", "lora[r=8,alpha=16]", "--head-layers", "1", "--head-pooling", "pooler")
AGAINST = {
    "default": (BOTTLENECK, "double_seq_bn", []),
    "group": (BOTTLENECK, "double_seq_bn", ["--group"]),
    "peft:lora": (LORA, "peft:lora", []),
    "peft:lora:group": (LORA, "peft:lora", ["--group"]),
}


def say(text):
    print(f"compare: {text}", file=sys.stderr, flush=True)


def run(command, environment=None):
    """Runs a command; returns its last line as JSON and the seconds that it took."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(f"{shlex.join(command)} failed:\n{done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1]), seconds


def texts(path, limit):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as lines:
        return [line for _, line in zip(range(limit), lines)]


class Training:
    """One data set, one model: our methods, each beside its peers."""

    def __init__(self, a, model, name, train, evaluation, rows):
        self.a, self.model, self.name, self.train, self.eval, self.rows = a, model, name, train, evaluation, int(rows)
        self.eval_rows = len(texts(evaluation, a.eval_rows))

    def graft(self, method, folder):
        """Trains, then scores what was trained in a process of its own."""
        a, output = self.a, os.path.join(folder, "graft")
        result, _ = run([
            a.graft, "train", "--model", self.model, "--train", self.train, "--eval", self.eval, "--limit", str(self.rows),
            "--eval-limit", str(a.eval_rows), *method, "--epochs", "1", "--batch", str(a.batch),
            "--learning-rate", "5e-4", "--max-length", str(a.max_length), "--device", a.device, "--output", output,
            "--overwrite", "--json", "--quiet", *shlex.split(a.graft_flags)])
        scored, seconds = run([
            a.graft, "eval", "--model", self.model, "--adapter", output, "--data", self.eval, "--limit", str(a.eval_rows),
            "--device", a.device, "--json"])
        if scored["metrics"]["accuracy"] != result["metrics"]["accuracy"]:
            raise SystemExit(f"graft eval found another accuracy than graft train: {scored['metrics']['accuracy']}")
        return {**result, "accuracy": result["metrics"]["accuracy"],
                "eval_examples_per_second": self.eval_rows / result["eval_seconds"],
                "eval_process_rows_per_second": self.eval_rows / seconds}

    def peer(self, method, flags):
        a = self.a
        result, _ = run([
            a.python, a.peer, "--model", self.model, "--train", self.train, "--dev", self.eval, "--rows", str(self.rows),
            "--dev-rows", str(a.eval_rows), "--method", method, "--epochs", "1", "--batch", str(a.batch), "--lr", "5e-4",
            "--max-length", str(a.max_length), "--threads", str(os.cpu_count()), *flags,
            *([] if a.device == "cpu" else ["--device", a.device]), *shlex.split(a.peer_flags)],
            {**os.environ, "HF_HUB_OFFLINE": "1"})
        return {**result, "accuracy": result["dev_accuracy"],
                "eval_process_rows_per_second": result["eval_examples_per_second"]}

    def results(self, folder):
        pairs = {name: [] for name in self.a.against}
        for number in range(self.a.runs):
            ours = {}
            for name in self.a.against:
                method, peer_method, flags = AGAINST[name]
                say(f"{self.name}, {name}, run {number + 1} of {self.a.runs}")
                theirs = self.peer(peer_method, flags)
                # Ours is the same beside several peers.
                if method not in ours:
                    ours[method] = self.graft(method, folder)
                pairs[name].append((ours[method], theirs))
        where = f"{os.path.basename(os.path.normpath(self.model))}, {self.name}"
        return [(f"{where}, {name}", pairs[name]) for name in self.a.against]


class Encoding:
    """One model: pooled vectors of many texts."""

    def __init__(self, a, model):
        self.a, self.model, self.train = a, model, a.data[0][1]

    def results(self, folder):
        a, many, one = self.a, os.path.join(folder, "many.jsonl"), os.path.join(folder, "one.jsonl")
        lines = texts(self.train, a.encode_rows)
        for path, part in [(many, lines), (one, lines[:1])]:
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(part)
        ours, theirs, pairs = os.path.join(folder, "ours"), os.path.join(folder, "theirs"), []
        for number in range(a.runs):
            say(f"encode, run {number + 1} of {a.runs}")
            peer, peer_seconds = run([
                a.python, os.path.join(os.path.dirname(__file__), "peer_encode.py"), "--model", self.model, "--data", many,
                "--output", theirs, "--batch", "64", "--max-length", str(a.max_length)], {**os.environ, "HF_HUB_OFFLINE": "1"})

            def encode(path):
                if os.path.exists(ours):
                    os.remove(ours)
                return run([a.graft, "encode", "--model", self.model, "--data", path, "--pool", "mean", "--normalize",
                            "--max-length", str(a.max_length), "--output", ours, "--json"])[1]
            start, seconds = encode(one), encode(many)
            # The peer's time has its tokenizing in it, our own `encode_seconds` has not: the whole process less its start.
            pairs.append((
                {"encode_rows_per_second": len(lines) / max(seconds - start, 1e-9),
                 "process_rows_per_second": len(lines) / seconds},
                {"encode_rows_per_second": len(lines) / peer["seconds"],
                 "process_rows_per_second": len(lines) / peer_seconds}))
        difference = largest_difference(ours, theirs)
        if difference > 1e-4:
            raise SystemExit(f"the vectors differ by {difference}: these are not the same model and pooling")
        where = os.path.basename(os.path.normpath(self.model))
        return [(f"{where}, encode {len(lines)} texts, sentence-transformers", pairs)]


def largest_difference(ours, theirs):
    with open(ours, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        first, last = header["embeddings"]["data_offsets"]
        body = file.read()[first:last]
    x, y = array.array("f", body), array.array("f", open(theirs, "rb").read())
    if len(x) != len(y):
        raise SystemExit(f"{len(x)} numbers encoded, the peer has {len(y)}")
    return max(abs(p - q) for p, q in zip(x, y))


def table(results):
    lines = ["| comparison | figure | graft | peer | graft / peer |", "| --- | --- | ---: | ---: | ---: |"]
    for name, pairs in results:
        for key, (title, form) in FIGURES.items():
            if not all(key in side for pair in pairs for side in pair):
                continue
            x, y = (statistics.median(pair[side][key] for pair in pairs) for side in (0, 1))
            ratio = statistics.median(o[key] / t[key] for o, t in pairs)
            lines.append(f"| {name} | {title} | {form.format(x)} | {form.format(y)} | {ratio:.2f} |")
    return "\n".join(lines)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--graft", required=True)
    p.add_argument("--peer", default=os.path.join(os.path.dirname(__file__), "peer_train.py"), help="the peers' training script")
    p.add_argument("--python", default="python3")
    p.add_argument("--model", required=True, action="append")
    p.add_argument("--data", required=True, action="append", nargs=4, metavar=("NAME", "TRAIN", "EVAL", "ROWS"))
    p.add_argument("--against", default="default,group,peft:lora", help=f"of {', '.join(AGAINST)}; empty for none")
    p.add_argument("--rows", type=int, help="training rows instead of each data set's own")
    p.add_argument("--eval-rows", type=int, default=872)
    p.add_argument("--encode-rows", type=int, default=0)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--max-length", type=int, default=128)
    p.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where both train and evaluate")
    p.add_argument("--graft-flags", default="")
    p.add_argument("--peer-flags", default="")
    p.add_argument("--runs", type=int, default=3)
    a = p.parse_args()
    a.against = [name for name in a.against.split(",") if name]
    for name in a.against:
        if name not in AGAINST:
            p.error(f"--against: '{name}' is none of {', '.join(AGAINST)}")

    before, results = os.getloadavg()[0], []
    with tempfile.TemporaryDirectory() as folder:
        for model in a.model:
            for name, train, evaluation, rows in a.data if a.against else []:
                results += Training(a, model, name, train, evaluation, a.rows or rows).results(folder)
            if a.encode_rows:
                results += Encoding(a, model).results(folder)
    print(f"Medians of {a.runs} runs in turn; batch {a.batch}, at most {a.max_length} tokens, {os.cpu_count()} cores; "
          f"load average {before:.2f} before the first run.\n")
    print(table(results))


if __name__ == "__main__":
    main()

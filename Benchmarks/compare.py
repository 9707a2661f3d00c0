#!/usr/bin/env python3
"""Runs `graft train` and the peers' own training script in turn on the same rows, and prints medians and ratios.

  python3 Benchmarks/compare.py --graft .build/release/graft --peer ../shared/bench/peer_train.py --python PEER_PYTHON \\
      --model MODEL --train TRAIN.jsonl.gz --eval DEV.jsonl.gz --rows 4000 --peer-flags=--group

PEER_PYTHON is an interpreter with torch, adapters and peft installed (Tools/reference/requirements.txt). Nothing else should
run on the machine. Needs Python alone; Graft itself needs none.
"""
import argparse
import json
import os
import shlex
import statistics
import subprocess
import tempfile

SHARED = ["examples_per_second", "ready_seconds", "train_seconds", "peak_rss_bytes", "trainable_parameters"]


def last_json(command, environment=None):
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise SystemExit(f"{shlex.join(command)} failed:\n{done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def graft(a, folder):
    return last_json([
        a.graft, "train", "--model", a.model, "--train", a.train, "--eval", a.eval, "--limit", str(a.rows),
        "--eval-limit", str(a.eval_rows), "--method", a.method, "--epochs", "1", "--batch", str(a.batch),
        "--learning-rate", "5e-4", "--max-length", str(a.max_length), "--output", os.path.join(folder, "graft"), "--overwrite",
        "--json", "--quiet", *shlex.split(a.graft_flags)])


def peer(a):
    result = last_json([
        a.python, a.peer, "--model", a.model, "--train", a.train, "--dev", a.eval, "--rows", str(a.rows),
        "--dev-rows", str(a.eval_rows), "--method", a.peer_method or a.method, "--epochs", "1", "--batch", str(a.batch),
        "--lr", "5e-4", "--max-length", str(a.max_length), *shlex.split(a.peer_flags)],
        {**os.environ, "HF_HUB_OFFLINE": "1"})
    return {**result, "metrics": {"accuracy": result["dev_accuracy"]}}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--graft", required=True)
    p.add_argument("--peer", required=True)
    p.add_argument("--python", default="python3")
    p.add_argument("--model", required=True)
    p.add_argument("--train", required=True)
    p.add_argument("--eval", required=True)
    p.add_argument("--rows", type=int, default=4000)
    p.add_argument("--eval-rows", type=int, default=872)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--max-length", type=int, default=128)
    p.add_argument("--method", default="double_seq_bn")
    p.add_argument("--peer-method", help="where the peer calls the method otherwise, such as peft:lora")
    p.add_argument("--graft-flags", default="")
    p.add_argument("--peer-flags", default="")
    p.add_argument("--runs", type=int, default=3)
    a = p.parse_args()

    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(a.runs):
            theirs.append(peer(a))
            ours.append(graft(a, folder))
    print(f"{a.method}, {a.rows} rows of {os.path.basename(a.train)}, batch {a.batch}, {a.runs} runs in turn; medians")
    print(f"{'':24}{'graft':>14}{'peer ' + a.peer_flags:>20}{'graft / peer':>14}")
    for key in SHARED:
        x, y = (statistics.median(run[key] for run in runs) for runs in (ours, theirs))
        ratio = statistics.median(o[key] / t[key] for o, t in zip(ours, theirs))
        print(f"{key:24}{x:14.2f}{y:20.2f}{ratio:14.3f}")
    x, y = (statistics.median(run["metrics"]["accuracy"] for run in runs) for runs in (ours, theirs))
    print(f"{'accuracy':24}{x:14.4f}{y:20.4f}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Times a batch whose rows have adapters of their own, Graft and its peers in turn, and prints one Markdown table.

  python3 Benchmarks/compare_mixed.py --graft .build/release/graft --python PEER_PYTHON --model all-MiniLM-L6-v2 \\
      --data sst2/dev.jsonl.gz

The same 64 rows over 1, 8 and 64 adapters: bottleneck, LoRA and both kinds mixed beside `adapters` (BatchSplit), and LoRA
beside `peft` (`adapter_names`). Both sides compute the last hidden states of all tokens from tokenized rows. PEER_PYTHON is an
interpreter with the peers installed (Tools/reference/requirements.txt). Nothing else should run on the machine.
"""
import argparse
import os
import statistics

from compare import run, say

# Our methods and the peer's.
CASES = {
    "bottleneck, adapters": ("double_seq_bn", "double_seq_bn"),
    "LoRA, adapters": ("lora", "lora"),
    "LoRA, peft": ("lora", "peft:lora"),
    "both kinds, adapters": ("double_seq_bn,lora", "double_seq_bn,lora"),
}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--graft", required=True)
    p.add_argument("--python", default="python3")
    p.add_argument("--model", required=True)
    p.add_argument("--data", required=True, help="JSONL with `text` and `label`; the first rows make the batch")
    p.add_argument("--adapters", default="8,64")
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--seconds", type=float, default=2, help="for each figure and run")
    p.add_argument("--runs", type=int, default=3)
    a = p.parse_args()
    counts = sorted({1, *map(int, a.adapters.split(","))})

    before = os.getloadavg()[0]
    lines = ["| batch | adapters | graft, ms | beside one | peer, ms | beside one | peer / graft |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for name, (ours, theirs) in CASES.items():
        pairs = []
        for number in range(a.runs):
            say(f"{name}, run {number + 1} of {a.runs}")
            peer, _ = run([
                a.python, os.path.join(os.path.dirname(__file__), "peer_mixed.py"), "--model", a.model, "--data", a.data,
                "--methods", theirs, "--adapters", ",".join(map(str, counts)), "--batch", str(a.batch), "--seconds",
                str(a.seconds), "--threads", str(os.cpu_count())], {**os.environ, "HF_HUB_OFFLINE": "1"})
            graft, _ = run([
                a.graft, "bench", "--model", a.model, "--train", a.data, "--method", ours, "--adapters",
                ",".join(map(str, counts)), "--batch", str(a.batch), "--seconds", str(a.seconds), "--json"])
            if (graft["rows"], graft["tokens"]) != (peer["rows"], peer["tokens"]):
                raise SystemExit(f"not the same rows: {graft['tokens']} tokens, the peer has {peer['tokens']}")
            own = {case["adapters"]: case["seconds"]["median"] for case in graft["batches"]}
            pairs.append((own, {int(count): seconds for count, seconds in peer["seconds"].items()}))
        for count in counts:
            x, y = (statistics.median(pair[side][count] for pair in pairs) for side in (0, 1))
            own, other = (statistics.median(pair[side][count] / pair[side][1] for pair in pairs) for side in (0, 1))
            ratio = statistics.median(theirs[count] / ours[count] for ours, theirs in pairs)
            lines.append(f"| {name} | {count} | {x * 1e3:.1f} | {own:.2f} | {y * 1e3:.1f} | {other:.2f} | {ratio:.2f} |")
    print(f"Medians of {a.runs} runs in turn; {a.batch} rows of {graft['tokens']} tokens, {os.cpu_count()} cores; "
          f"load average {before:.2f} before the first run.\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()

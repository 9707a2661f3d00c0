#!/usr/bin/env python3
"""The peer's side of `compare.py --encode-rows`: sentence-transformers' `encode` of the texts of a JSONL file.

Prints one JSON line: seconds in `encode` (model and texts loaded, one small call before), rows, peak resident memory.
Needs torch, transformers and sentence-transformers.
"""
import argparse
import gzip
import json
import resource
import time

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("--model", required=True)
p.add_argument("--data", required=True)
p.add_argument("--output", required=True, help="float32 [rows, hidden] as raw bytes")
p.add_argument("--batch", type=int, default=64)
p.add_argument("--max-length", type=int, default=128)
a = p.parse_args()

from sentence_transformers import SentenceTransformer

with (gzip.open if a.data.endswith(".gz") else open)(a.data, "rt", encoding="utf-8") as lines:
    texts = [json.loads(line)["text"] for line in lines]
model = SentenceTransformer(a.model, device="cpu")
model.max_seq_length = a.max_length
model.encode(texts[:a.batch], batch_size=a.batch)
start = time.perf_counter()
vectors = model.encode(texts, batch_size=a.batch, normalize_embeddings=True)
seconds = time.perf_counter() - start
vectors.astype("float32").tofile(a.output)
print(json.dumps({"seconds": seconds, "rows": len(texts),
                  "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))

#!/usr/bin/env python3
"""The peers' side of `compare_mixed.py`: one batch whose rows have adapters of their own, in a peer's own way.

`adapters` runs it as BatchSplit, `peft` by its `adapter_names`; a BatchSplit of bottlenecks and LoRA is an error in `adapters`
1.3.0, so these are a batch for each kind there. Prints one JSON line: the median seconds of a pass over the
padded, tokenized batch to the last hidden states, for each number of adapters; with 1, the same rows under one adapter.
Needs torch, transformers, and adapters or peft.
"""
import argparse
import gzip
import json
import statistics
import time

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("--model", required=True)
p.add_argument("--data", required=True)
p.add_argument("--methods", required=True, help="of double_seq_bn and lora, in turn; or peft:lora alone")
p.add_argument("--adapters", default="1,8,64")
p.add_argument("--batch", type=int, default=64)
p.add_argument("--max-length", type=int, default=128)
p.add_argument("--threads", type=int, default=2)
p.add_argument("--seconds", type=float, default=3)
a = p.parse_args()

import torch
from transformers import AutoModel, AutoTokenizer

torch.set_num_threads(a.threads)
with (gzip.open if a.data.endswith(".gz") else open)(a.data, "rt", encoding="utf-8") as lines:
    texts = [json.loads(line)["text"] for _, line in zip(range(a.batch), lines)]
tokenizer = AutoTokenizer.from_pretrained(a.model)


def tokens(texts):
    return tokenizer(texts, padding=True, truncation=True, max_length=a.max_length, return_tensors="pt")


batch = tokens(texts)
counts = [int(count) for count in a.adapters.split(",")]
names = [f"a{number}" for number in range(max(counts))]

if a.methods == "peft:lora":
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=8, lora_alpha=8, target_modules=["query", "value"])
    model = get_peft_model(AutoModel.from_pretrained(a.model), config, adapter_name=names[0])
    for name in names[1:]:
        model.add_adapter(name, config)

    def call(count):
        if count == 1:
            model.set_adapter(names[0])
            return lambda: model(**batch)
        chosen = [names[row * count // a.batch] for row in range(a.batch)]
        return lambda: model(**batch, adapter_names=chosen)
else:
    import adapters
    from adapters.composition import BatchSplit

    methods = a.methods.split(",")
    model = AutoModel.from_pretrained(a.model)
    adapters.init(model)
    for number, name in enumerate(names):
        model.add_adapter(name, config=methods[number % len(methods)])

    def split(texts, names):
        batch = tokens(texts)
        ends = [len(texts) * (number + 1) // len(names) for number in range(len(names))]
        sizes = [end - start for start, end in zip([0] + ends, ends)]

        setup = BatchSplit(*names, batch_sizes=sizes) if len(names) > 1 else names[0]
        return lambda: model.set_active_adapters(setup), lambda: model(**batch)

    def call(count):
        if count == 1:
            activate, once = split(texts, names[:1])
            activate()
            return once
        kinds = [(texts[kind::len(methods)], names[kind:count:len(methods)]) for kind in range(len(methods))]
        parts = [split(*kind) for kind in kinds]
        if len(parts) == 1:
            parts[0][0]()
            return parts[0][1]
        # Between two kinds a server has to change what is active.
        return lambda: [(activate(), once()) for activate, once in parts]

model.eval()
seconds = {}
with torch.no_grad():
    for count in counts:
        once, times = call(count), []
        once()
        start = time.perf_counter()
        while time.perf_counter() - start < a.seconds or len(times) < 3:
            before = time.perf_counter()
            once()
            times.append(time.perf_counter() - before)
        seconds[str(count)] = statistics.median(times)
print(json.dumps({"seconds": seconds, "rows": len(texts), "tokens": int(batch["attention_mask"].sum()),
                  "padded": int(batch["attention_mask"].numel())}))

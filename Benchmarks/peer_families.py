#!/usr/bin/env python3
"""The peers' side of `compare_families.py`: an adapter of `adapters` or `peft` trained in a plain loop, or generation with one.

Plain loops have less to do than a Trainer: pictures are prepared and texts are tokenized before the clock starts, and
the first two steps are not counted. Batches are padded. Prints one JSON line. Needs torch, transformers, adapters, peft,
sentencepiece and Pillow; run it in the folder that the rows' pictures are named from.
"""
import argparse
import json
import os
import resource
import time

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("family", choices=["vit", "clip", "t5", "llama", "generate"])
p.add_argument("--model", required=True)
p.add_argument("--data", required=True, help="rows as JSON lines; for vit a folder of classes")
p.add_argument("--rows", type=int, required=True)
p.add_argument("--batch", type=int, required=True)
p.add_argument("--max-length", type=int, default=96)
p.add_argument("--new-tokens", type=int, default=64)
p.add_argument("--threads", type=int, default=os.cpu_count())
a = p.parse_args()

import torch

torch.set_num_threads(a.threads)
torch.manual_seed(0)


def padded(rows, value, left=False):
    width = max(map(len, rows))
    fill = [[value] * (width - len(row)) for row in rows]
    return torch.tensor([f + r if left else r + f for r, f in zip(rows, fill)])


def read_rows():
    with open(a.data, encoding="utf-8") as lines:
        return [json.loads(line) for _, line in zip(range(a.rows), lines)]


def pixels(processor, paths):
    from PIL import Image

    return torch.cat([processor(Image.open(path).convert("RGB"), return_tensors="pt")["pixel_values"] for path in paths])


def pieces(name):
    import sentencepiece

    return sentencepiece.SentencePieceProcessor(model_file=f"{a.model}/{name}")


def vit():
    import adapters
    from transformers import ViTImageProcessor

    # As many of each class, as Graft's --limit spreads them.
    classes = sorted(os.listdir(a.data))
    files = [(f"{a.data}/{kind}/{name}", label) for label, kind in enumerate(classes)
             for name in sorted(os.listdir(f"{a.data}/{kind}"))[:a.rows // len(classes)]]
    images = pixels(ViTImageProcessor.from_pretrained(a.model), [path for path, _ in files])
    labels = torch.tensor([label for _, label in files])
    model = adapters.ViTAdapterModel.from_pretrained(a.model)
    model.add_adapter("a", config="seq_bn")
    model.add_image_classification_head("a", num_labels=len(classes), layers=2)
    model.train_adapter("a")
    return model, len(files), lambda rows: model(pixel_values=images[rows], labels=labels[rows]).loss


def clip():
    import adapters
    from tokenizers import Tokenizer
    from transformers import CLIPImageProcessor, CLIPModel

    rows = read_rows()
    images = pixels(CLIPImageProcessor.from_pretrained(a.model), [row["image"] for row in rows])
    tokenizer = Tokenizer.from_file(f"{a.model}/tokenizer.json")
    tokenizer.no_padding()
    texts = [one.ids for one in tokenizer.encode_batch([row["text"] for row in rows])]
    model = CLIPModel.from_pretrained(a.model)
    adapters.init(model)
    model.add_adapter("a", config="seq_bn")
    model.train_adapter("a")

    def loss(chosen):
        ids = [texts[row] for row in chosen]
        return model(input_ids=padded(ids, 0), attention_mask=padded([[1] * len(row) for row in ids], 0),
                     pixel_values=images[chosen], return_loss=True).loss
    return model, len(rows), loss


def t5():
    import adapters

    rows, tokenizer = read_rows(), pieces("spiece.model")
    sources, targets = ([(tokenizer.encode(row[key]) + [2])[:a.max_length] for row in rows] for key in ("text", "target"))
    model = adapters.T5AdapterModel.from_pretrained(a.model)
    model.add_adapter("a", config="seq_bn")
    model.add_seq2seq_lm_head("a")
    model.train_adapter("a")
    # The model's own vocabulary, as in the checkpoint.
    for parameter in model.heads["a"].parameters():
        parameter.requires_grad = False

    def loss(chosen):
        ids = [sources[row] for row in chosen]
        return model(input_ids=padded(ids, 1), attention_mask=padded([[1] * len(row) for row in ids], 0),
                     labels=padded([targets[row] for row in chosen], -100)).loss
    return model, len(rows), loss


def language_model():
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(a.model, dtype=torch.float32)
    return get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"]))


def llama():
    rows, tokenizer = read_rows(), pieces("tokenizer.model")
    texts = [([1] + tokenizer.encode(row["text"]))[:a.max_length] for row in rows]
    model = language_model()

    def loss(chosen):
        ids = [texts[row] for row in chosen]
        return model(input_ids=padded(ids, 0), attention_mask=padded([[1] * len(row) for row in ids], 0),
                     labels=padded(ids, -100)).loss
    return model, len(rows), loss


def train(model, count, loss):
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-3)
    model.train()
    start, seen, order = None, 0, torch.randperm(count).tolist()
    for step, first in enumerate(range(0, count, a.batch)):
        if step == 2:
            start, seen = time.perf_counter(), 0
        chosen = order[first:first + a.batch]
        loss(chosen).backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seen += len(chosen)
    return {"rows_per_second": seen / (time.perf_counter() - start),
            "trained": sum(parameter.numel() for parameter in trained)}


def generate():
    tokenizer = pieces("tokenizer.model")
    texts = [([1] + tokenizer.encode(row["text"]))[:a.max_length] for row in read_rows()]
    model = language_model().eval()
    written = []

    def run(new):
        written.clear()
        for first in range(0, len(texts), a.batch):
            ids = texts[first:first + a.batch]
            mask = padded([[1] * len(row) for row in ids], 0, left=True)
            with torch.no_grad():
                out = model.generate(input_ids=padded(ids, 0, left=True), attention_mask=mask, max_new_tokens=new,
                                     min_new_tokens=new, do_sample=False, pad_token_id=0)
            written.extend(out[:, mask.shape[1]:].tolist())

    run(2)
    start = time.perf_counter()
    run(a.new_tokens)
    seconds = time.perf_counter() - start
    return {"tokens_per_second": sum(map(len, written)) / seconds, "texts": [tokenizer.decode(row) for row in written]}


result = generate() if a.family == "generate" else train(*{"vit": vit, "clip": clip, "t5": t5, "llama": llama}[a.family]())
print(json.dumps({**result, "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))

#!/usr/bin/env python3
"""The peers' side of `compare.py`: trains on the rows of a JSONL file with `adapters` or `peft` and the Hugging Face Trainer.

Prints one JSON line: rows/s of training and of evaluation, seconds until the Trainer is made, peak resident memory, accuracy,
parameters. A method is any that `adapters` reads, or `peft:lora` (rank 8, alpha 16, on query and value).
`--group` is the Trainer's `group_by_length`, its fastest setting. Needs Tools/reference/requirements.txt.
"""
import argparse
import gzip
import json
import resource
import tempfile
import time

START = time.perf_counter()


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "train", "dev"):
        p.add_argument(f"--{name}", required=True)
    p.add_argument("--rows", type=int, default=None, help="training rows at most")
    p.add_argument("--dev-rows", type=int, default=None, help="evaluation rows at most")
    p.add_argument("--method", default="double_seq_bn")
    p.add_argument("--group", action="store_true")
    p.add_argument("--epochs", type=float, default=1)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--lr", type=float, default=5e-4)
    p.add_argument("--max-length", type=int, default=128)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    return p.parse_args()


def read(path, limit):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return rows[:limit]


def adapted(a, classes):
    """The model with what is trained, and the Trainer's class."""
    if a.method == "peft:lora":
        from peft import LoraConfig, TaskType, get_peft_model
        from transformers import AutoModelForSequenceClassification, Trainer
        base = AutoModelForSequenceClassification.from_pretrained(a.model, num_labels=classes)
        config = LoraConfig(task_type=TaskType.SEQ_CLS, r=8, lora_alpha=16, target_modules=["query", "value"])
        return get_peft_model(base, config), Trainer
    from adapters import AdapterTrainer, AutoAdapterModel
    model = AutoAdapterModel.from_pretrained(a.model)
    model.add_adapter("task", config=a.method)
    model.add_classification_head("task", num_labels=classes)
    model.train_adapter("task")
    return model, AdapterTrainer


def main():
    a = arguments()
    import torch
    import transformers
    torch.set_num_threads(a.threads)
    transformers.logging.set_verbosity_error()
    transformers.set_seed(a.seed)

    rows, dev_rows = read(a.train, a.rows), read(a.dev, a.dev_rows)
    classes = {label: number for number, label in enumerate(sorted({row["label"] for row in rows}))}
    tokenizer = transformers.AutoTokenizer.from_pretrained(a.model)
    model, trainer_class = adapted(a, len(classes))

    def encoded(part):
        return [{**tokenizer(row["text"], row.get("text_b"), truncation=True, max_length=a.max_length),
                 "labels": classes[row["label"]]} for row in part]

    def accuracy(outcome):
        logits = outcome.predictions[0] if isinstance(outcome.predictions, tuple) else outcome.predictions
        return {"accuracy": float((logits.argmax(-1) == outcome.label_ids).mean())}

    trainer = trainer_class(
        model=model, train_dataset=encoded(rows), eval_dataset=encoded(dev_rows), compute_metrics=accuracy,
        data_collator=transformers.DataCollatorWithPadding(tokenizer),
        args=transformers.TrainingArguments(
            output_dir=tempfile.mkdtemp(), per_device_train_batch_size=a.batch, per_device_eval_batch_size=64,
            num_train_epochs=a.epochs, learning_rate=a.lr, lr_scheduler_type="linear", warmup_ratio=0.06, weight_decay=0.0,
            group_by_length=a.group, use_cpu=a.device == "cpu", seed=a.seed, save_strategy="no", report_to=[], disable_tqdm=True))
    ready = time.perf_counter() - START
    start = time.perf_counter()
    trainer.train()
    training = time.perf_counter() - start
    start = time.perf_counter()
    scores = trainer.evaluate()
    evaluation = time.perf_counter() - start
    print(json.dumps({
        "ready_seconds": ready, "train_seconds": training, "examples_per_second": len(rows) * a.epochs / training,
        "eval_examples_per_second": len(dev_rows) / evaluation, "dev_accuracy": scores["eval_accuracy"],
        "trainable_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


if __name__ == "__main__":
    main()

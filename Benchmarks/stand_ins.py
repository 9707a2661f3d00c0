#!/usr/bin/env python3
"""Prepares stand-ins for pretrained models: small configurations, and tasks to train them on first and to adapt them to then.

  python3 Benchmarks/stand_ins.py --data DATA --tokenizer all-MiniLM-L6-v2 --output stand-ins
  for model in vit clip t5 llama; do swift run -c release RandomModel stand-ins/$model; done

DATA holds `cifar10` (train.tar.gz and test.tar.gz of <split>/<class>/<picture>), `multi30k` (JSON lines with the columns
en, de and fr), `tokenizers/small_spm/test_sentencepiece_unigram.model` (a thousand word pieces) and `tokenizers/llama2`. Of CIFAR-10 the first five classes are
to be trained on first, and 400 pictures of each of the other five to be adapted to; of Multi30k, German into English first and French
into English then. docs/results.md goes on from here. Python's own modules suffice.
"""
import argparse
import gzip
import json
import os
import shutil
import tarfile

VISION = {"hidden_size": 192, "num_hidden_layers": 5, "num_attention_heads": 3, "intermediate_size": 768,
          "image_size": 32, "patch_size": 4}
MODELS = {
    "vit": {"model_type": "vit", "qkv_bias": True, **VISION},
    # BERT's word pieces in place of CLIP's: 102 ends a text.
    "clip": {"model_type": "clip", "projection_dim": 128, "vision_config": {**VISION, "hidden_act": "quick_gelu"},
             "text_config": {"hidden_size": 128, "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 2,
                             "vocab_size": 30522, "max_position_embeddings": 32, "eos_token_id": 102,
                             "hidden_act": "quick_gelu"}},
    "t5": {"model_type": "t5", "d_model": 256, "d_kv": 64, "d_ff": 1024, "num_heads": 4, "num_layers": 3, "num_decoder_layers": 3,
           "vocab_size": 1000, "feed_forward_proj": "relu", "dropout_rate": 0.0, "tie_word_embeddings": True,
           "relative_attention_num_buckets": 32, "relative_attention_max_distance": 128, "layer_norm_epsilon": 1e-6,
           "pad_token_id": 1, "decoder_start_token_id": 1, "eos_token_id": 2},
    # A hundred million weights, which nothing here trains: for speed alone.
    "llama": {"model_type": "llama", "hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 12,
              "num_attention_heads": 12, "num_key_value_heads": 4, "vocab_size": 32000, "max_position_embeddings": 2048,
              "rms_norm_eps": 1e-5, "tie_word_embeddings": True, "bos_token_id": 1, "eos_token_id": 2},
}
PROCESSORS = {
    "vit": {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}},
    "clip": {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 32}, "resample": 3,
             "crop_size": {"height": 32, "width": 32}, "do_center_crop": True, "do_convert_rgb": True,
             "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]},
}
FIRST = ("airplane", "automobile", "bird", "cat", "deer")
CAPTIONS = ("a photo of a {}.", "a small picture of a {}.", "this is a {}.")


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def write_rows(path, rows):
    write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def pictures(data, output):
    """Writes pictures/<first or then>/<split>/<class>/<picture>, and the captions of all."""
    for split in ("train", "test"):
        with tarfile.open(f"{data}/cifar10/{split}.tar.gz") as archive:
            names, counts = {"first": [], "then": []}, {}
            for member in sorted((m for m in archive if m.isfile()), key=lambda m: m.name):
                kind, picture = member.name.split("/")[-2:]
                counts[kind] = counts.get(kind, 0) + 1
                part = "first" if kind in FIRST else "then"
                if part == "then" and split == "train" and counts[kind] > 400:
                    continue
                path = f"pictures/{part}/{split}/{kind}/{picture}"
                os.makedirs(os.path.dirname(f"{output}/{path}"), exist_ok=True)
                with open(f"{output}/{path}", "wb") as file:
                    file.write(archive.extractfile(member).read())
                names[part].append((path, kind))
        for part, all_names in names.items():
            write_rows(f"{output}/captions.{part}.{split}.jsonl", (
                {"image": path, "text": CAPTIONS[number % 3].format(kind)} for number, (path, kind) in enumerate(all_names)))


def translations(data, output):
    def read(name):
        with gzip.open(f"{data}/multi30k/{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    train, dev = read("train_10k"), read("dev")
    for part, source, split, rows in [("first", "de", "train", train), ("first", "de", "test", dev[:500]),
                                      ("then", "fr", "train", train[:5000]), ("then", "fr", "test", dev[:500])]:
        write_rows(f"{output}/translations.{part}.{split}.jsonl", (
            {"text": row[source], "target": row["en"]} for row in rows))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True)
    p.add_argument("--tokenizer", required=True, help="a model's folder with BERT's tokenizer.json, for CLIP's texts")
    p.add_argument("--output", required=True)
    a = p.parse_args()
    for name, configuration in MODELS.items():
        write(f"{a.output}/{name}/config.json", json.dumps(configuration, indent=2) + "\n")
        if name in PROCESSORS:
            write(f"{a.output}/{name}/preprocessor_config.json", json.dumps(PROCESSORS[name], indent=2) + "\n")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(f"{a.tokenizer}/{name}", f"{a.output}/clip/{name}")
    shutil.copyfile(f"{a.data}/tokenizers/small_spm/test_sentencepiece_unigram.model", f"{a.output}/t5/spiece.model")
    shutil.copyfile(f"{a.data}/tokenizers/llama2/tokenizer.model", f"{a.output}/llama/tokenizer.model")
    pictures(a.data, a.output)
    translations(a.data, a.output)


if __name__ == "__main__":
    main()

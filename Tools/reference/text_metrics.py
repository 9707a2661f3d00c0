"""Writes text_metrics.json: metrics of generated text as the usual packages compute them.

Needs: sacrebleu==2.6.0, rouge-score==0.1.2, transformers==4.57.6, scikit-learn, numpy. Seed: 20261125.

    python Tools/reference/text_metrics.py Tests/Fixtures/text_metrics.json
"""

import json
import random
import sys
from pathlib import Path

import numpy
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF
from sklearn.metrics import top_k_accuracy_score
from transformers.data.metrics.squad_metrics import compute_exact, compute_f1

SEED = 20261125
TEXTS = [
    "The cat sat on the mat.", "the cat sat on a mat", "A cat, sitting on the mat!", "", " ", "the", "a an the",
    "It's 3.50 $ (or 1,234-5); don't you \"think\" so?", "It is 3.50 $ or 1,234 - 5; do not you think so ?",
    "x &quot;y&quot; &amp;amp; <b> <skipped>z-\nline\nnext", "x \"y\" & <b> z line next", "e.g. U.S.A., etc.", "...,,,---",
    "Die Straße ist naß, Köln.", "die strasse ist nass koln", "e\u0301le\u0300ve élève", "日本語の文章です。", "日本語 の 文章",
    "Быстрая лиса, прыгает!", "быстрая лиса прыгает", "a\u0301n the\u00a0end\u2003now", "one two three four five six",
    "six five four three two one", "one two three four", "one_two three-four", "İstanbul the İ", "10-20 5-a 7.5, 8",
]


def rows():
    generator = random.Random(SEED)
    words = "the a an cat Cat cat. dog , . 3.5 1,000 - -5 'tis don't (x) é ß 日本 лиса &amp; $ one two three".split()
    made = []
    for index in range(60):
        first = generator.choice(TEXTS) if index % 2 else " ".join(generator.choices(words, k=generator.randint(0, 12)))
        others = [first]
        for _ in range(generator.randint(1, 3)):
            parts = first.split(" ")
            for _ in range(generator.randint(0, 3)):
                parts.insert(generator.randint(0, len(parts)), generator.choice(words))
            if generator.random() < 0.5:
                generator.shuffle(parts)
            others.append(" ".join(parts) if generator.random() < 0.8 else generator.choice(TEXTS))
        made.append((first, others[1:]))
    return made


def main(path):
    pairs = rows()
    scorer = rouge_scorer.RougeScorer(["rougeL"])
    answers = [
        {
            "prediction": prediction,
            "references": references,
            "exact_match": max(compute_exact(reference, prediction) for reference in references),
            "token_f1": max(compute_f1(reference, prediction) for reference in references),
            "rouge_l": scorer.score_multi(references, prediction)["rougeL"].fmeasure,
            "bleu": corpus_bleu([(prediction, references)]),
            "chrf": corpus_chrf([(prediction, references)]),
        }
        for prediction, references in pairs
    ]
    corpora = [{"rows": [a, b], "bleu": corpus_bleu(pairs[a:b]), "chrf": corpus_chrf(pairs[a:b])} for a, b in SPANS]
    generator = numpy.random.default_rng(SEED)
    scores = generator.permutation(40 * 12).reshape(40, 12).astype(numpy.float32)
    labels = generator.integers(0, 12, 40)
    recall = {k: float(top_k_accuracy_score(labels, scores, k=k, labels=range(12))) for k in (1, 3, 5, 10)}
    value = {
        "rows": answers,
        "corpora": corpora,
        "scores": scores.tolist(),
        "labels": labels.tolist(),
        "recall": recall,
    }
    Path(path).write_text(json.dumps(value, separators=(",", ":")) + "\n", "utf-8")


SPANS = [(0, 60), (0, 5), (10, 30), (40, 60), (7, 8)]


def corpus_bleu(pairs):
    return BLEU().corpus_score([p for p, _ in pairs], streams(pairs)).score


def corpus_chrf(pairs):
    return CHRF().corpus_score([p for p, _ in pairs], streams(pairs)).score


def streams(pairs):
    """References by their place, with none where a row has fewer."""
    width = max(len(references) for _, references in pairs)
    return [[r[index] if index < len(r) else None for _, r in pairs] for index in range(width)]


if __name__ == "__main__":
    main(*sys.argv[1:])

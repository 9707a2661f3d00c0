"""Writes the metrics fixture: seeded predictions and what the reference libraries say of them.

    python Tools/reference/metrics.py Tests/Fixtures/metrics.json

Needs numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 seqeval==1.2.2. Seed 0. Figures that are not a number
are written as null.
"""

import json
import math
import sys
import warnings

import numpy as np
from scipy import stats
from seqeval import metrics as entities
from sklearn import metrics

warnings.simplefilter("ignore")
generator = np.random.default_rng(0)


def classification(name, labels, predictions, classes):
    average = "binary" if classes == 2 else "macro"
    options = {"zero_division": 0}
    expected = {
        "accuracy": metrics.accuracy_score(labels, predictions),
        "f1_macro": metrics.f1_score(labels, predictions, average="macro", **options),
        "f1_micro": metrics.f1_score(labels, predictions, average="micro", **options),
        "f1_weighted": metrics.f1_score(labels, predictions, average="weighted", **options),
        "precision": metrics.precision_score(labels, predictions, average=average, **options),
        "recall": metrics.recall_score(labels, predictions, average=average, **options),
        "matthews": metrics.matthews_corrcoef(labels, predictions),
    }
    if classes == 2:
        expected["f1"] = metrics.f1_score(labels, predictions, **options)
    confusion = metrics.confusion_matrix(labels, predictions, labels=range(classes))
    return {
        "name": name,
        "classes": classes,
        "labels": [int(label) for label in labels],
        "predictions": [int(prediction) for prediction in predictions],
        "confusion": confusion.tolist(),
        "expected": finite(expected),
    }


def multi_label(name, labels, predictions):
    def sets(indicator):
        return [np.flatnonzero(row).tolist() for row in indicator]

    options = {"zero_division": 0}
    expected = {
        "subset_accuracy": metrics.accuracy_score(labels, predictions),
        "f1_macro": metrics.f1_score(labels, predictions, average="macro", **options),
        "f1_micro": metrics.f1_score(labels, predictions, average="micro", **options),
        "f1_weighted": metrics.f1_score(labels, predictions, average="weighted", **options),
        "precision": metrics.precision_score(labels, predictions, average="micro", **options),
        "recall": metrics.recall_score(labels, predictions, average="micro", **options),
    }
    return {
        "name": name,
        "classes": labels.shape[1],
        "labels": sets(labels),
        "predictions": sets(predictions),
        "expected": finite(expected),
    }


def regression(name, labels, predictions):
    labels, predictions = np.asarray(labels, float), np.asarray(predictions, float)
    expected = {
        "pearson": stats.pearsonr(predictions, labels).statistic,
        "spearman": stats.spearmanr(predictions, labels).statistic,
        "mse": np.mean((predictions - labels) ** 2),
        "mae": np.mean(np.abs(predictions - labels)),
    }
    numbers = lambda values: [None if math.isnan(value) else float(value) for value in values]
    return {
        "name": name,
        "labels": numbers(labels),
        "predictions": numbers(predictions),
        "expected": finite(expected),
    }


def tagging(name, labels, predictions):
    options = {"zero_division": 0}
    expected = {
        "entity_f1": entities.f1_score(labels, predictions, **options),
        "entity_precision": entities.precision_score(labels, predictions, **options),
        "entity_recall": entities.recall_score(labels, predictions, **options),
        "token_accuracy": entities.accuracy_score(labels, predictions),
    }
    return {
        "name": name,
        "labels": labels,
        "predictions": predictions,
        "expected": finite(expected),
    }


def finite(expected):
    return {key: None if math.isnan(value) else float(value) for key, value in expected.items()}


def noisy(labels, classes, share):
    guesses = generator.integers(0, classes, len(labels))
    return np.where(generator.random(len(labels)) < share, guesses, labels)


def classification_cases():
    for classes, rows in [(2, 7), (2, 200), (3, 50), (7, 300), (20, 60)]:
        labels = generator.integers(0, classes, rows)
        yield classification(
            f"{classes} classes, {rows} rows", labels, noisy(labels, classes, 0.4), classes
        )
    yield classification("all right", [0, 1, 1, 0], [0, 1, 1, 0], 2)
    yield classification("all wrong", [0, 1, 1, 0], [1, 0, 0, 1], 2)
    yield classification("constant predictions of the negative class", [0, 1, 1, 0], [0] * 4, 2)
    yield classification("constant predictions of the positive class", [0, 1, 1, 0], [1] * 4, 2)
    yield classification("constant labels", [0] * 4, [0, 1, 0, 1], 2)
    yield classification("only the negative class", [0] * 3, [0] * 3, 2)
    yield classification("only the positive class", [1] * 3, [1] * 3, 2)
    yield classification("a class that never occurs", [0, 1, 0, 3], [0, 1, 1, 3], 4)
    yield classification("a class that is only predicted", [0, 1, 0, 1], [0, 2, 1, 1], 3)
    yield classification("a class that is only labelled", [0, 1, 2, 1], [0, 1, 1, 1], 3)
    yield classification("one row", [2], [1], 3)


def multi_label_cases():
    for classes, rows in [(3, 30), (10, 100)]:
        labels = generator.random((rows, classes)) < 0.3
        flips = generator.random((rows, classes)) < 0.2
        yield multi_label(
            f"{classes} classes, {rows} rows", labels.astype(int), (labels ^ flips).astype(int)
        )
    yield multi_label("nothing predicted", np.eye(4, dtype=int), np.zeros((4, 4), int))
    yield multi_label("nothing at all", np.zeros((3, 2), int), np.zeros((3, 2), int))
    yield multi_label(
        "a class that never occurs", np.array([[1, 0, 0], [1, 1, 0]]), np.array([[1, 1, 0], [1, 1, 0]])
    )


def regression_cases():
    for rows in [2, 3, 40, 500]:
        labels = generator.normal(size=rows)
        yield regression(f"{rows} rows", labels, labels + generator.normal(size=rows))
    labels = generator.integers(0, 6, 80)
    yield regression("ties", labels, np.clip(labels + generator.integers(-1, 2, 80), 0, 5))
    yield regression("reversed", [1, 2, 3, 4], [4, 3, 2, 1])
    yield regression("constant predictions", [1, 2, 3], [2, 2, 2])
    yield regression("constant labels", [2, 2, 2], [1, 2, 3])
    yield regression("a prediction that is not a number", [1, 2, 3], [1, math.nan, 3])
    yield regression("tiny deviations", 1e-170 * np.arange(5), 1e-170 * np.array([0, 2, 1, 3, 4]))
    yield regression("large offset", 1e6 + np.arange(6), 1e6 + np.array([0, 2, 1, 3, 5, 4]))


def tagging_cases():
    tags = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
    for tag_set, name in [
        (tags, "random tags, often malformed"),
        (["O", "B-A", "I-A", "E-A", "S-A", "I-B", "E-B"], "random IOBES tags"),
        (["O", "B", "I"], "tags without types"),
        (["O", "B-my-type", "I-my-type", "I-my"], "types with hyphens"),
    ]:
        lengths = generator.integers(1, 12, 60)
        labels = [generator.choice(tag_set, length).tolist() for length in lengths]
        predictions = [
            np.where(generator.random(len(row)) < 0.3, generator.choice(tag_set, len(row)), row).tolist()
            for row in labels
        ]
        yield tagging(name, labels, predictions)
    yield tagging("an entity that begins with I", [["B-A", "I-A", "O"]], [["I-A", "I-A", "O"]])
    yield tagging("a change of type inside", [["B-A", "I-A", "I-A"]], [["B-A", "I-B", "I-B"]])
    yield tagging("neighbours", [["B-A", "B-A", "I-A"]], [["B-A", "I-A", "I-A"]])
    yield tagging("an entity at the end of each row", [["O", "B-A"], ["I-A"]], [["O", "B-A"], ["I-A"]])
    yield tagging("no entities", [["O", "O"]], [["O", "O"]])
    yield tagging("nothing found", [["B-A", "O"]], [["O", "O"]])
    yield tagging("nothing to find", [["O", "O"]], [["B-A", "O"]])
    yield tagging("an empty row", [[], ["B-A"]], [[], ["B-A"]])


fixture = {
    "classification": list(classification_cases()),
    "multiLabel": list(multi_label_cases()),
    "regression": list(regression_cases()),
    "tagging": list(tagging_cases()),
}
with open(sys.argv[1], "w", encoding="utf-8") as file:
    groups = []
    for group, cases in fixture.items():
        rows = ",\n".join("  " + json.dumps(case, allow_nan=False) for case in cases)
        groups.append(f'"{group}": [\n{rows}\n]')
    file.write("{\n" + ",\n".join(groups) + "\n}\n")

"""Computes every fixture of projections.py again from its file alone: in float64, row by row.

Prints the largest difference, relative to the tensor's largest value where that exceeds one: the
least tolerance that a float32 implementation can be held to. Fails if it exceeds the limits below,
or if a parameter does not move in training.
"""

from __future__ import annotations

import json
import sys

import common
import projections
import torch
from verify import difference

LIMIT, LIMIT_TEN_STEPS = 5e-6, 5e-5
INPUTS = ["ids", "type_ids", "lengths", "labels"]


def main() -> None:
    worst = {False: (0.0, ""), True: (0.0, "")}
    for name, case in projections.cases().items():
        fixture, metadata = common.load(f"projections/{name}.safetensors")
        model = projections.build(case.configuration).double()
        starts = projections.biases(model)
        with torch.no_grad():
            for key, parameter in projections.trained(model).items():
                parameter.copy_(fixture[key] + starts.get(key, 0))
        inputs = {key: fixture[key] for key in INPUTS}
        tensors = projections.run(model, inputs, True, json.loads(metadata["weight_decay"]))
        tensors |= projections.projections(model)
        assert tensors.keys() | set(INPUTS) == fixture.keys(), name
        for key, value in tensors.items():
            if f"after.{key}" in tensors:
                assert difference(value, tensors[f"after.{key}"]) > 1e-3, f"{name} {key}"
            steps = key == "losses" or key.startswith("after.")
            found = difference(value, fixture[key])
            worst[steps] = max(worst[steps], (found, f"{name} {key}"))
    print(f"projections: at most {worst[False][0]:.1e}, in {worst[False][1]}")
    print(f"projections, ten steps: at most {worst[True][0]:.1e}, in {worst[True][1]}")
    if worst[False][0] > LIMIT or worst[True][0] > LIMIT_TEN_STEPS:
        sys.exit("over the limit")


if __name__ == "__main__":
    main()

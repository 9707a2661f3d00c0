"""What CLIP is used for, computed literally as the papers' code does: zero-shot classification with an ensemble of
prompts, CLIP-Adapter and Tip-Adapter(-F).

Reads clip/h12; writes clip_use/<case>.safetensors. Texts are written as token ids of a word list, images as grey bytes.
"""

from __future__ import annotations

import json
import sys

# Nothing here needs torchvision, and where it does not fit torch, transformers cannot load CLIP beside it.
sys.modules["torchvision"] = None

import torch
from transformers import CLIPModel

import common

SEED = 59
STEPS = 10
CLASSES = ["film", "book", "song", "play"]
TEMPLATES = ["the {} is good", "a very fine {}", "alice was not a {}"]
#: The vocabulary of the tests' tiny models (Tests/GraftTestSupport/TinyModel.swift).
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "fine", "awful", "great", "poor", "film", "book",
         "song", "play", "the", "a", "is", "was", "very", "not", "alice"]
IMAGES = 12
SHOTS = [0, 0, 1, 1, 2, 2, 3, 3]  # the classes of the first images; the others are asked about


def ids(text: str) -> torch.Tensor:
    return torch.tensor([[WORDS.index(w) for w in ["[CLS]", *text.split(), "[SEP]"]]])


def class_weights(model: CLIPModel, templates: list[str]) -> torch.Tensor:
    """As the notebook of openai/CLIP on prompt ensembles: [classes, width]."""
    weights = []
    for name in CLASSES:
        texts = [model.get_text_features(input_ids=ids(t.replace("{}", name))) for t in templates]
        embeddings = torch.cat(texts)
        embeddings = embeddings / embeddings.norm(dim=-1, keepdim=True)
        mean = embeddings.mean(dim=0)
        weights.append(mean / mean.norm())
    return torch.stack(weights)


def pixels(grey: torch.Tensor) -> torch.Tensor:
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1)
    deviation = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1)
    return (grey[:, None].float() / 255 - mean) / deviation


def start() -> tuple[CLIPModel, dict[str, torch.Tensor]]:
    model = CLIPModel.from_pretrained(common.FIXTURES / "clip" / "h12", attn_implementation="eager").eval()
    model.requires_grad_(False)
    grey = torch.randint(0, 256, (IMAGES, 15, 15), generator=common.generator(SEED), dtype=torch.uint8)
    return model, {"grey": grey, "features": model.get_image_features(pixel_values=pixels(grey)),
                   "weights": class_weights(model, TEMPLATES)}


def unit(x: torch.Tensor) -> torch.Tensor:
    return x / x.norm(dim=-1, keepdim=True)


def zero_shot() -> None:
    model, given = start()
    scale = model.logit_scale.exp()
    one = class_weights(model, TEMPLATES[:1])
    logits = scale * unit(given["features"]) @ given["weights"].T
    save("zero_shot", given | {"logits": logits, "weights_one": one, "scale": scale[None]})


def train(name: str, given: dict, parameters: dict[str, torch.Tensor], logits, **metadata: str) -> None:
    """Ten steps of AdamW on the shots; what is asked of the others before and after."""
    labels = torch.tensor(SHOTS)
    shots, asked = given["features"][: len(SHOTS)], given["features"][len(SHOTS):]
    tensors = {f"start.{key}": p.detach().clone() for key, p in parameters.items()}
    tensors["logits"] = logits(given["features"])
    optimizer = torch.optim.AdamW(parameters.values(), lr=1e-2, weight_decay=0.01)
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(logits(shots), labels)
        loss.backward()
        if step == 0:
            tensors |= {f"grad.{key}": p.grad.clone() for key, p in parameters.items()}
        losses.append(loss.detach()[None])
        optimizer.step()
    tensors |= {f"after.{key}": p for key, p in parameters.items()}
    tensors |= {"losses": torch.cat(losses), "asked": logits(asked), "labels": labels}
    save(name, given | tensors, **metadata)


def clip_adapter() -> None:
    """As gaopengcuhk/CLIP-Adapter: two projections without biases, and a share of what they give."""
    model, given = start()
    width, reduction, ratio = given["features"].shape[1], 2, 0.2
    adapter = torch.nn.Sequential(
        torch.nn.Linear(width, width // reduction, bias=False), torch.nn.ReLU(),
        torch.nn.Linear(width // reduction, width, bias=False), torch.nn.ReLU(),
    )
    common.randomise(adapter, SEED)

    def logits(features: torch.Tensor) -> torch.Tensor:
        mixed = ratio * adapter(features) + (1 - ratio) * features
        return model.logit_scale.exp() * unit(mixed) @ given["weights"].T

    train("clip_adapter", given, {"down": adapter[0].weight, "up": adapter[2].weight}, logits,
          reduction=str(reduction), ratio=str(ratio))


def tip_adapter() -> None:
    """As gaopengcuhk/Tip-Adapter, whose keys Tip-Adapter-F trains."""
    model, given = start()
    alpha, beta = 1.5, 5.5
    keys = torch.nn.Parameter(unit(given["features"][: len(SHOTS)]).clone())
    values = torch.nn.functional.one_hot(torch.tensor(SHOTS)).float()

    def logits(features: torch.Tensor) -> torch.Tensor:
        features = unit(features)
        affinity = features @ keys.T
        cache = ((-1) * (beta - beta * affinity)).exp() @ values
        return model.logit_scale.exp() * features @ given["weights"].T + cache * alpha

    train("tip_adapter", given, {"keys": keys}, logits, alpha=str(alpha), beta=str(beta))


def save(name: str, tensors: dict[str, torch.Tensor], **metadata: str) -> None:
    common.save(f"clip_use/{name}.safetensors", tensors, SEED, classes=json.dumps(CLASSES),
                templates=json.dumps(TEMPLATES), **metadata)


if __name__ == "__main__":
    zero_shot()
    clip_adapter()
    tip_adapter()

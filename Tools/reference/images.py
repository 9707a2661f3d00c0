"""Image files drawn by this script, and what Pillow and the processors of transformers make of them.

Writes `images/`: small files of every kind that is decoded, `decoded.safetensors` (their pixels),
`resized.safetensors`, `processed.safetensors` and `views.safetensors`; and, with `--data FOLDER`, `images/shared.json`: hashes of
prepared pictures of data sets that are not part of the project.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import struct
import sys
import tarfile
import zlib
from importlib.metadata import version
from pathlib import Path

# The processors that work on Pillow images are the reference; those of torchvision are not needed.
sys.modules["torchvision"] = None

from common import FIXTURES, save

import numpy as np
import torch
from PIL import Image
from transformers import CLIPImageProcessor, DeiTImageProcessor, ViTImageProcessor
from transformers.image_utils import load_image

FOLDER = FIXTURES / "images"
SEED = 51
FILTERS = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"]

#: The processors compared, small so that fixtures are; `keeps` where one leaves a step out.
PROCESSORS = {
    "vit": (ViTImageProcessor, {"size": {"height": 12, "width": 10}}),
    "vit_as_is": (ViTImageProcessor, {"size": {"height": 9, "width": 9}, "do_normalize": False}),
    "vit_bytes": (ViTImageProcessor, {"size": 8, "do_rescale": False, "resample": 3}),
    "deit": (DeiTImageProcessor, {"size": 16, "crop_size": {"height": 12, "width": 12}}),
    "deit_padded": (DeiTImageProcessor, {"size": 8, "crop_size": 11}),
    "clip": (CLIPImageProcessor, {"size": 12, "crop_size": 12}),
    "clip_lanczos": (
        CLIPImageProcessor,
        {"size": {"shortest_edge": 14}, "crop_size": {"height": 9, "width": 13}, "resample": 1},
    ),
}


def drawing(width: int, height: int, seed: int) -> np.ndarray:
    """A picture with soft colours, a hard edge and some noise: uint8 [height, width, 3]."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    soft = [
        127 + 100 * np.sin(x / 3 + seed),
        127 + 90 * np.cos(y / 4),
        255 * x / max(width - 1, 1),
    ]
    picture = np.stack(soft, axis=-1) + random.normal(0, 12, (height, width, 3))
    picture[height // 3 : height // 2, width // 4 : width // 2] = [250, 20, 30]
    return picture.clip(0, 255).astype(np.uint8)


def chunk(kind: bytes, payload: bytes) -> bytes:
    body = kind + payload
    return struct.pack(">I", len(payload)) + body + struct.pack(">I", zlib.crc32(body))


def adam7_png(samples: np.ndarray, color: int, depth: int, extra: bytes = b"") -> bytes:
    """An interlaced PNG file, which Pillow cannot write: samples [height, width, channels]."""
    height, width, _ = samples.shape
    rows = b""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
    for left, top, across, down in [*passes, (0, 1, 1, 2)]:
        part = samples[top::down, left::across]
        if part.size == 0:
            continue
        for row in part:
            values = row.astype(">u2" if depth == 16 else "u1").tobytes()
            rows += b"\0" + values
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 1)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def written(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(orientation: int) -> bytes:
    data = Image.Exif()
    data[274] = orientation
    return data.tobytes()


def files() -> dict[str, bytes]:
    """Every kind of file, by name."""
    rgb = Image.fromarray(drawing(19, 13, 1))
    grey = rgb.convert("L")
    alpha = Image.fromarray(np.random.default_rng(2).integers(0, 256, (13, 19), dtype=np.uint8))
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    grey_alpha = Image.merge("LA", [grey, alpha])
    cmyk = Image.fromarray(
        np.random.default_rng(3).integers(0, 256, (4, 5, 4), dtype=np.uint8).repeat(4, 0).repeat(4, 1),
        "CMYK",
    )
    result = {
        "baseline.jpg": written(rgb, "JPEG", quality=90),
        "coarse.jpg": written(rgb, "JPEG", quality=30),
        "full_chroma.jpg": written(rgb, "JPEG", quality=85, subsampling=0),
        "half_chroma.jpg": written(rgb, "JPEG", quality=85, subsampling=1),
        "progressive.jpg": written(rgb, "JPEG", quality=90, progressive=True),
        "grey.jpg": written(grey, "JPEG", quality=90),
        "cmyk.jpg": written(cmyk, "JPEG", quality=95),
        "rgb.png": written(rgb, "PNG"),
        "grey.png": written(grey, "PNG"),
        "bits.png": written(grey.convert("1"), "PNG"),
        "alpha.png": written(rgba, "PNG"),
        "grey_alpha.png": written(grey_alpha, "PNG"),
        "palette.png": written(rgb.quantize(40), "PNG"),
        "palette_clear.png": written(rgb.quantize(7), "PNG", transparency=3),
        "grey_clear.png": written(grey, "PNG", transparency=100),
        "turned.png": written(rgb, "PNG", exif=exif(6)),
        "lossy.webp": written(rgb, "WEBP", quality=80),
        "lossless.webp": written(rgb, "WEBP", lossless=True),
        "alpha.webp": written(rgba, "WEBP", quality=80),
        "turned.webp": written(rgb, "WEBP", lossless=True, exif=exif(8)),
        "animated.webp": written(
            rgb, "WEBP", lossless=True, save_all=True, append_images=[rgb.rotate(90)], duration=50
        ),
    }
    for orientation in range(1, 9):
        name = f"orientation_{orientation}.jpg"
        result[name] = written(rgb, "JPEG", quality=90, exif=exif(orientation))
    random = np.random.default_rng(4)
    wide = random.integers(0, 65536, (6, 7, 4))
    numbers = random.integers(0, 400, (6, 7, 1))
    result["interlaced.png"] = adam7_png(np.array(rgb), 2, 8)
    result["interlaced_numbers.png"] = adam7_png(numbers, 0, 16)
    result["wide_rgb.png"] = adam7_png(wide[..., :3], 2, 16)
    result["wide_alpha.png"] = adam7_png(wide, 6, 16)
    result["wide_grey_alpha.png"] = adam7_png(wide[..., :2], 4, 16)
    return result


def reference(file: bytes) -> np.ndarray:
    """What the processors of transformers see of a file: uint8 [height, width, 3]."""
    return np.array(load_image(Image.open(io.BytesIO(file))))


def write_files() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    decoded = {}
    for name, file in files().items():
        (FOLDER / name).write_bytes(file)
        decoded[name] = torch.from_numpy(reference(file))
    save("images/decoded.safetensors", decoded, SEED, pillow=version("pillow"))


def write_archives() -> None:
    """Data sets of pictures: three dialects of tar, and IDX files."""
    root = "root" * 12 + "/train"
    pictures = {
        f"{root}/{kind}/{number}.png": written(Image.fromarray(drawing(6, 5, number)), "PNG")
        for number, kind in enumerate(["red", "red", "green", "blue"])
    }
    pictures[f"{root}/README.txt"] = b"no picture"
    formats = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
    for name, format in formats.items():
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=format) as tar:
            # ustar splits a long path in two; the others store one that is too long even for that.
            long = f"{root}/blue/" + "long" * (20 if name == "ustar" else 60) + ".png"
            for path, content in [*pictures.items(), (long, pictures[f"{root}/blue/3.png"])]:
                member = tarfile.TarInfo(path)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        (FOLDER / f"{name}.tar.gz").write_bytes(gzip.compress(buffer.getvalue(), mtime=0))
    digits = np.stack([drawing(7, 6, number)[..., 0] for number in range(3)])
    images = struct.pack(">IIII", 0x803, *digits.shape) + digits.tobytes()
    labels = struct.pack(">II", 0x801, 3) + bytes([7, 0, 7])
    (FOLDER / "digits-images-idx3-ubyte.gz").write_bytes(gzip.compress(images, mtime=0))
    (FOLDER / "digits-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels, mtime=0))


def write_resized() -> None:
    image = Image.fromarray(drawing(31, 22, 5))
    tensors = {"image": torch.from_numpy(np.array(image))}
    for number, name in enumerate(FILTERS):
        for width, height in [(10, 7), (31, 9), (12, 22), (40, 33), (1, 1), (64, 5)]:
            resized = image.resize((width, height), number)
            tensors[f"{name}.{width}x{height}"] = torch.from_numpy(np.array(resized))
    save("images/resized.safetensors", tensors, SEED, pillow=version("pillow"))


def write_processed() -> None:
    tensors, configurations = {}, {}
    for shape, (width, height) in {"wide": (25, 17), "tall": (14, 21)}.items():
        picture = drawing(width, height, 6)
        tensors[f"image.{shape}"] = torch.from_numpy(picture)
        for name, (kind, settings) in PROCESSORS.items():
            processor = kind(**settings)
            pixels = processor(Image.fromarray(picture), return_tensors="pt")["pixel_values"][0]
            tensors[f"{name}.{shape}"] = pixels.float()
            configurations[name] = json.loads(processor.to_json_string())
    save("images/processed.safetensors", tensors, SEED, configurations=json.dumps(configurations))


def write_views() -> None:
    """Parts of `rgb.png`, enlarged to the whole as torchvision does, and mirrored: [3, height, width] of 0 to 1."""
    picture = torch.from_numpy(drawing(19, 13, 1)).permute(2, 0, 1).float() / 255
    views = [(0, 0, 19, 13, 0), (0, 0, 19, 13, 1), (3, 2, 10, 7, 0), (9, 6, 10, 7, 1), (18, 12, 1, 1, 0), (5, 0, 1, 13, 1)]
    tensors = {}
    for left, top, width, height, mirrored in views:
        part = picture[None, :, top : top + height, left : left + width]
        whole = torch.nn.functional.interpolate(part, (13, 19), mode="bilinear", align_corners=False)
        name = f"{left},{top},{width},{height},{mirrored}"
        tensors[name] = (whole.flip(-1) if mirrored else whole)[0].contiguous()
    save("images/views.safetensors", tensors, SEED)


def write_shared(data: Path) -> None:
    """Hashes of real pictures as two processors prepare them, in the order of their names."""
    processors = {
        "vit": ViTImageProcessor(do_rescale=False, do_normalize=False),
        "clip": CLIPImageProcessor(do_rescale=False, do_normalize=False),
    }
    sets = {
        "flowers5": sorted(data.glob("flowers5/*/*/*.jpg")),
        "flickr8k_300": sorted(data.glob("flickr8k_300/images/*.jpg")),
    }
    pictures = {name: [path.read_bytes() for path in paths] for name, paths in sets.items()}
    with tarfile.open(data / "cifar10" / "test.tar.gz") as tar:
        members = sorted((m for m in tar if m.isfile()), key=lambda m: m.name)
        # Every fifth: the classes follow one another.
        pictures["cifar10"] = [tar.extractfile(member).read() for member in members[::5]]
    hashes: dict[str, dict[str, str]] = {}
    for name, files in pictures.items():
        images = [load_image(Image.open(io.BytesIO(file))) for file in files]
        for kind, processor in processors.items():
            prepared = [
                processor(image, return_tensors="np")["pixel_values"][0] for image in images
            ]
            bytes_ = [pixels.transpose(1, 2, 0).astype(np.uint8).tobytes() for pixels in prepared]
            hashes.setdefault(name, {})[kind] = "".join(f"{zlib.crc32(b):08x}" for b in bytes_)
    (FOLDER / "shared.json").write_text(json.dumps(hashes, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder of the shared data sets")
    arguments = parser.parse_args()
    write_files()
    write_archives()
    write_resized()
    write_processed()
    write_views()
    if arguments.data:
        write_shared(arguments.data)


if __name__ == "__main__":
    main()

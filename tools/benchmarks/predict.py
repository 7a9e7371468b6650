"""How fast a folder of pictures goes through a path, beside its bare modules in a loop.

EfficientNet-Lite0 with random weights answers about made-up pictures that lie in a folder as JPEG.
Three ways, in turn: `TransplantNetwork.predict`; a loop that decodes a batch and runs the modules
on it; and the modules alone, on tensors that were decoded before.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from legonet.data.synthetic import textured_leaves
from legonet.data.tensors import to_tensor
from legonet.network import TransplantNetwork

MADE_UP = 64
PIXELS = 256
BATCH = 32

SPEC = """\
data pictures {{ source: folder("pictures"), size: {size} }}
network net {{
  model: timm.tf_efficientnet_lite0(num_classes: 1)
  weights: "net.safetensors"
}}
category dog {{ from: net, until: "blocks.2" }}
task classify {{ from: net, after: "blocks.2" }}
adapter dog -> classify {{ data: pictures }}
path dogs = dog -> classify
"""


def prepared(folder: Path, size: int, count: int) -> TransplantNetwork:
    """Write pictures, weights and a spec, and build it; no edge has anything to learn."""
    torch.manual_seed(0)
    network = timm.create_model("tf_efficientnet_lite0", num_classes=1)
    save_file(network.state_dict(), folder / "net.safetensors")
    leaves = [Image.fromarray(pixels) for pixels in textured_leaves(MADE_UP, PIXELS, 0)]
    for place in ("train/dog", "train/background", "test/dog", "test/background"):
        (folder / "pictures" / place).mkdir(parents=True)
        leaves[0].save(folder / "pictures" / place / "0.jpg")
    (folder / "asked").mkdir()
    for number in range(count):
        leaves[number % MADE_UP].save(folder / "asked" / f"{number:05}.jpg", quality=90)
    spec = folder / "predict.lego"
    spec.write_text(SPEC.format(size=size))
    return TransplantNetwork.build(spec, device="cpu")


def decoded(files: list[Path], size: int) -> torch.Tensor:
    """Return pictures as a plain script reads them."""
    pictures = []
    for file in files:
        with Image.open(file) as opened:
            small = opened.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        pictures.append(np.asarray(small))
    return to_tensor(np.stack(pictures))


def compared(network: TransplantNetwork, folder: Path, size: int, runs: int) -> dict[str, Any]:
    """Return pictures per second of each way, medians over runs in turn."""
    files = sorted((folder / "asked").iterdir())
    batches = [files[first : first + BATCH] for first in range(0, len(files), BATCH)]
    modules = network.path("dogs").eval()
    tensors = [decoded(batch, size) for batch in batches]

    def predicting() -> None:
        found = network.predict(folder / "asked", paths=["dogs"])
        assert len(found) == len(files)

    @torch.inference_mode()
    def looping() -> None:
        for batch in batches:
            modules(decoded(batch, size))

    @torch.inference_mode()
    def bare() -> None:
        for tensor in tensors:
            modules(tensor)

    ways: dict[str, Callable[[], None]] = {"predict": predicting, "loop": looping, "bare": bare}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - started)
    # The first round warms up.
    kept = {name: found[1:] for name, found in seconds.items()}
    speeds = {name: len(files) / statistics.median(found) for name, found in kept.items()}
    ratios = {
        other: [theirs / ours for ours, theirs in zip(kept["predict"], kept[other], strict=True)]
        for other in ("loop", "bare")
    }
    return {
        "pictures": len(files),
        "size": size,
        "pictures_per_second": {name: round(speed, 1) for name, speed in speeds.items()},
        **{
            f"of_{other}": {
                "median": round(statistics.median(found), 2),
                "from_to": [round(min(found), 2), round(max(found), 2)],
            }
            for other, found in ratios.items()
        },
    }


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(prog="tools/bench predict", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one document")
    parser.add_argument("--runs", type=int, default=5, help="of each way, in turn (5)")
    parser.add_argument("--pictures", type=int, default=1000, help="in the folder (1000)")
    parser.add_argument("--size", type=int, default=96, help="at which they are answered (96)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network = prepared(folder, chosen.size, chosen.pictures)
        row = compared(network, folder, chosen.size, chosen.runs)
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    if chosen.json:
        print(json.dumps({"machine": machine, **row}, indent=2))
        return
    print(f"{machine['cores']} cores; {row['pictures']} pictures at {row['size']} px, medians")
    for way, words in (
        ("predict", "legonet"),
        ("loop", "decoding, then the modules"),
        ("bare", "the modules alone"),
    ):
        ratio = row.get(f"of_{way}")
        beside = ""
        if ratio:
            low, high = ratio["from_to"]
            beside = f"; legonet has {ratio['median']:.2f} of it ({low:.2f} to {high:.2f})"
        print(f"  {words:<28} {row['pictures_per_second'][way]:>7.1f} pictures/s{beside}")


if __name__ == "__main__":
    main()

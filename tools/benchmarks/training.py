"""How long the training of a specific network takes, beside a plain PyTorch script's loop.

Small VGG and EfficientNet-Lite0 from random weights learn to tell two kinds of made-up pictures
apart, which lie in a folder as JPEG. `legonet build` of one network, in turn with the script
(`_plain_training.py`): processes of their own that decode, augment, log and measure. The first
build decodes the pictures; the second one, of another seed, finds them in the store.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from legonet.data.synthetic import textured_leaves

SCRIPT = Path(__file__).with_name("_plain_training.py")

SETTINGS = {
    "small VGG, 64 px": ("small_vgg", "legonet.small_vgg(classes: 1)", 64),
    "EfficientNet-Lite0, 96 px": (
        "tf_efficientnet_lite0",
        "timm.tf_efficientnet_lite0(num_classes: 1)",
        96,
    ),
}

SPEC = """\
data made_up {{
  source: folder("pictures"), size: {size}
}}
network net {{
  model: {model}
  train {{
    data: made_up, category: cat, epochs: {epochs}, seed: {seed}
    batch_size: 32, learning_rate: 1e-3
  }}
}}
category cat {{ from: net, until: "{cut}" }}
"""

PIXELS = 256
COUNTS = {"train": 320, "test": 64}


def write_pictures(folder: Path) -> None:
    """Write two kinds of pictures: dead leaves, and the same seen from nearer."""
    for number, (split, count) in enumerate(COUNTS.items()):
        for seed, kind in enumerate(("cat", "background")):
            place = folder / split / kind
            place.mkdir(parents=True)
            for index, pixels in enumerate(textured_leaves(count, PIXELS, 2 * number + seed)):
                picture = Image.fromarray(pixels)
                if kind == "cat":
                    picture = picture.crop((64, 64, 192, 192)).resize((PIXELS, PIXELS))
                picture.save(place / f"{index}.jpg", quality=90)


def legonet(folder: Path, spec: str) -> tuple[float, float]:
    """Build a network, and return the seconds by the clock and those of the training alone."""
    file = folder / "training.lego"
    file.write_text(spec)
    store = folder / "store"
    events = store / "events.jsonl"
    before = len(events.read_text().splitlines()) if events.exists() else 0
    started = time.perf_counter()
    command = [sys.executable, "-m", "legonet", "build", file, "--store", store]
    done = subprocess.run(command, capture_output=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    lines = map(json.loads, events.read_text().splitlines()[before:])
    (finished,) = (line for line in lines if line["event"] == "finished")
    return seconds, finished["seconds"]


def script(folder: Path, name: str, size: int, epochs: int) -> tuple[float, float]:
    """Run the plain script, and return the same."""
    started = time.perf_counter()
    command = [sys.executable, SCRIPT, name, str(folder / "pictures"), str(size), str(epochs)]
    done = subprocess.run(command, capture_output=True, check=False, cwd=folder)
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return time.perf_counter() - started, json.loads(done.stdout)["seconds"]


def compared(folder: Path, name: str, runs: int, epochs: int) -> dict[str, Any]:
    """Return how both ways compare, as medians over runs in turn."""
    plain, model, size = SETTINGS[name]
    cut = "features.4" if plain == "small_vgg" else "blocks.2"
    found: dict[str, list[tuple[float, float]]] = {"first": [], "again": [], "script": []}
    for _ in range(runs):
        shutil.rmtree(folder / "store", ignore_errors=True)
        for seed, which in enumerate(("first", "again")):
            spec = SPEC.format(size=size, model=model, epochs=epochs, seed=seed, cut=cut)
            found[which].append(legonet(folder, spec))
        found["script"].append(script(folder, plain, size, epochs))
    return {
        **{which: _median(times) for which, times in found.items()},
        **{f"ratio_{which}": _ratio(found[which], found["script"]) for which in ("first", "again")},
    }


def _median(times: Sequence[tuple[float, float]]) -> dict[str, float]:
    seconds, work = (statistics.median(column) for column in zip(*times, strict=True))
    return {"seconds": round(seconds, 1), "work": round(work, 1)}


def _ratio(
    ours: Sequence[tuple[float, float]], script: Sequence[tuple[float, float]]
) -> dict[str, Any]:
    ratios = [one[0] / other[0] for one, other in zip(ours, script, strict=True)]
    work = [one[1] / other[1] for one, other in zip(ours, script, strict=True)]
    return {
        "median": round(statistics.median(ratios), 2),
        "from_to": [round(min(ratios), 2), round(max(ratios), 2)],
        "of_work": round(statistics.median(work), 2),
    }


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(prog="tools/bench training", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one document")
    parser.add_argument("--runs", type=int, default=3, help="of each way, in turn (3)")
    parser.add_argument("--epochs", type=int, default=3, help="of each training (3)")
    parser.add_argument("--only", choices=SETTINGS, help="a single setting")
    chosen = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    document: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "settings": {},
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pictures(folder / "pictures")
        for setting in [chosen.only] if chosen.only else SETTINGS:
            document["settings"][setting] = compared(folder, setting, chosen.runs, chosen.epochs)
    print(json.dumps(document, indent=2) if chosen.json else readable(document))


def readable(document: dict[str, Any]) -> str:
    """Return a document as lines for a person."""
    lines = [f"{document['machine']['cores']} cores; seconds, medians"]
    for name, row in document["settings"].items():
        lines.append(f"{name}: the script {row['script']['seconds']:.1f} s")
        for which, words in (("first", "decoding"), ("again", "decoded before")):
            ratio = row[f"ratio_{which}"]
            low, high = ratio["from_to"]
            lines.append(
                f"  legonet, {words:<15} {row[which]['seconds']:>6.1f} s;"
                f"  ratio {ratio['median']:.2f} ({low:.2f} to {high:.2f}),"
                f" of the work alone {ratio['of_work']:.2f}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()

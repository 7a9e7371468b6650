"""What a build of 5 categories by 2 tasks computes: decodes and forward passes are counted."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from kit.specs import workspace_of, write_spec
from PIL import Image
from torch import nn

from legonet.building.execution.resources import Resources
from legonet.distill.edges.edge_context import SYNTHETIC_PICTURES
from legonet.modules.digest import state_digest

CATEGORIES = ("a", "b", "c", "d", "e")
TASKS = ("x", "y")
SIDE = 16
COUNTS = {"train": 10, "test": 6}

SPEC = """
data pictures { source: folder("pictures"), size: 16 }
for name in [a, b, c, d, e, x, y] {
  network ${name}_net {
    model: legonet.small_vgg(classes: 1, channels: 4)
    train { data: pictures, category: ${name}, epochs: 1, seed: 0 }
  }
}
for name in [a, b, c, d, e] { category ${name} { from: ${name}_net, until: "features.4" } }
for name in [x, y] { task ${name} { from: ${name}_net, after: "features.4" } }
"""

EDGES = """
for one in [a, b, c, d, e] {
  for other in [x, y] {
    adapter ${one} -> ${other} { unlabelled: 16, method: METHOD }
  }
}
"""


class Seen:
    """How often networks in evaluation saw a picture, and how many pictures were decoded."""

    def __init__(self) -> None:
        self.pictures: dict[str, Counter[bytes]] = {}
        self.decoded = 0

    def total(self, name: str) -> int:
        """Return how many pictures a network saw, each as often as it saw it."""
        return self.pictures[name].total()


@contextmanager
def counted(names: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Seen]:
    """Count while something runs.

    Args:
        names: Of networks, by the digest of their first layer; others count together.
    """
    seen = Seen()

    def see(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if not isinstance(module, nn.Conv2d) or module.in_channels != 3 or module.training:
            return
        (pictures,) = inputs
        # Pictures that only show the shapes of features are all alike.
        if pictures.is_meta or (pictures == pictures.flatten()[0]).all():
            return
        name = names.get(state_digest(module), "")
        found = seen.pictures.setdefault(name, Counter())
        found.update(hashlib.sha256(part.numpy().tobytes()).digest() for part in pictures)

    opened = Image.open

    def opening(*arguments: object, **options: object) -> Image.Image:
        seen.decoded += 1
        return opened(*arguments, **options)  # type: ignore[arg-type]

    hook = nn.modules.module.register_module_forward_pre_hook(see)
    with monkeypatch.context() as patch:
        patch.setattr(Image, "open", opening)
        yield seen
    hook.remove()


def write_pictures(folder: Path) -> int:
    """Write pictures for all networks, and return how many."""
    random = np.random.default_rng(0)
    written = 0
    for name in (*CATEGORIES, *TASKS, "background"):
        for split, count in COUNTS.items():
            place = folder / split / name
            place.mkdir(parents=True)
            for index in range(count):
                pixels = random.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{index}.png")
                written += 1
    return written


@pytest.mark.parametrize("method", ["stitching()", "transplant(steps: 2)"])
def test_each_network_sees_each_picture_as_often_as_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    written = write_pictures(tmp_path / "pictures")
    resources = Resources(jobs=1, threads=1)
    workspace, plan = workspace_of(write_spec(tmp_path, SPEC))
    with counted({}, monkeypatch) as decoded:
        report = workspace.build(plan, lambda event: None, resources)
    names = {}
    for result in report.networks:
        assert result.artifact is not None
        tensors = workspace.store.tensors(result.artifact)
        first = {part: tensors[f"features.0.{part}"] for part in ("weight", "bias")}
        names[state_digest(first)] = result.step.name
    edges = SPEC + EDGES.replace("METHOD", method)
    workspace, plan = workspace_of(write_spec(tmp_path, edges, "small.lego"))
    with counted(names, monkeypatch) as seen:
        report = workspace.build(plan, lambda event: None, resources)
    assert all(item.artifact is not None for item in report.edges)
    assert decoded.decoded == written
    assert seen.decoded == 0
    target, own, test, proof = 16, 2 * COUNTS["train"], 2 * COUNTS["test"], 2
    for name in CATEGORIES:
        # Below its cut: its target, both donors' pictures, leaves, and what both edges are tested
        # on. As a teacher: its target, and what it is tested on. The proof adds two.
        once = target + len(TASKS) * own + SYNTHETIC_PICTURES + test
        assert seen.total(f"{name}_net") == once + target + test + proof
    for name in TASKS:
        # Below its cut: the targets of all categories, its own pictures, and leaves. As a donor:
        # the pictures of all categories, and the background that they share.
        once = len(CATEGORIES) * target + own + SYNTHETIC_PICTURES
        tested = (len(CATEGORIES) + 1) * COUNTS["test"]
        assert seen.total(f"{name}_net") == once + tested

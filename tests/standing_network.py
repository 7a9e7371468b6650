"""A network that classifies and segments, of which all stands without training."""

from __future__ import annotations

import shutil
from pathlib import Path

from standing_spec import stand

from legonet import TransplantNetwork

SEGMENTING = """
let cut = "features.4"
data digits { source: digits() }
for digit in ["1", "3"] {
  network net_${digit} {
    model: legonet.small_vgg(classes: 1, channels: 4)
    train { data: digits, category: digit, epochs: 1 }
  }
  network ink_${digit} {
    model: legonet.small_fcn(classes: 1, channels: 4, stride: 2)
    init: net_${digit}
    train { data: digits, category: digit, goal: segmentation, epochs: 1, frozen: cut }
  }
  category digit_${digit} { from: net_${digit}, until: cut }
}
task classify { from: net_3, after: cut }
task ink { from: ink_3, after: cut }
adapter digit_3 -> classify
adapter digit_1 -> classify { layers: [conv(1)] }
adapter digit_3 -> ink { layers: [conv(1)], teacher: ink_3 }
adapter digit_1 -> ink { layers: [conv(1)], teacher: ink_1 }
path read_one = digit_1 -> classify
path find_one = digit_1 -> ink
"""

ROUTES = [
    ("digit_3", "classify"),
    ("digit_1", "classify"),
    ("digit_3", "ink"),
    ("digit_1", "ink"),
]


def standing(folder: Path, text: str = SEGMENTING, name: str = "standing.lego") -> Path:
    """Write a spec into a folder, with something in its store for each step."""
    spec = folder / name
    spec.write_text(text, encoding="utf-8")
    stand(spec)
    return spec


def copied(spec: Path, folder: Path) -> Path:
    """Copy a spec and its store into a folder, to be changed there."""
    shutil.copytree(spec.parent / ".legonet", folder / ".legonet")
    return Path(shutil.copy(spec, folder))


def opened(folder: Path, text: str = SEGMENTING) -> TransplantNetwork:
    """Open a spec of which all stands."""
    return TransplantNetwork.open(standing(folder, text))

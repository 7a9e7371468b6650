"""A spec that builds in seconds, and ways to run it."""

from __future__ import annotations

from pathlib import Path

from legonet.build import Plan, Report, Workspace
from legonet.graph import load
from legonet.spec import Override

SMALL = """
let cut = "features.4"
data digits { source: digits() }

network ancestor {
  model: legonet.small_vgg(classes: 10, channels: 4)
  train { data: digits, epochs: 1, seed: 0 }
}
for digit in ["1", "3"] {
  network net_${digit} {
    model: legonet.small_vgg(classes: 1, channels: 4)
    init: ancestor
    train { data: digits, category: digit, epochs: 1, seed: 0 }
  }
  category digit_${digit} { from: net_${digit}, until: cut }
}
task classify { from: net_3, after: cut }

adapter digit_3 -> classify
adapter digit_1 -> classify {
  layers: [conv(1)]
  method: back_distillation(init: solve, steps: 3)
  samples: 4
}
path read_one = digit_1 -> classify
"""


def write_spec(folder: Path, text: str = SMALL, name: str = "small.lego") -> Path:
    """Write a spec into a folder."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def plan_of(spec: Path, *settings: str, store: Path | None = None) -> Plan:
    """Plan a spec."""
    overrides = [Override.parse(setting) for setting in settings]
    return Workspace(spec, store).plan(load(spec, overrides))


def build_of(spec: Path, *settings: str, store: Path | None = None) -> Report:
    """Build a spec, without a word."""
    overrides = [Override.parse(setting) for setting in settings]
    workspace = Workspace(spec, store)
    return workspace.build(workspace.plan(load(spec, overrides)), lambda event: None)

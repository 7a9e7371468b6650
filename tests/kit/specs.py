"""Specs that build in seconds or need no build, and ways to write, plan and build them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from legonet.building import Listener, Plan, Report, Result, Workspace
from legonet.graph import load
from legonet.language import Override

SMALL = """
let cut = "features.4"
let labels = 4
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
  samples: labels
}
path read_one = digit_1 -> classify
"""
"""Networks with a common ancestor, a direct edge and a learned one; it builds in seconds."""

TINY = """
data digits { source: digits() }
for digit in ["1", "3"] {
  network net_${digit} {
    model: legonet.small_vgg(classes: 1, channels: 1)
    train { data: digits, category: digit, epochs: 1, batch_size: 256, seed: 0 }
  }
  category digit_${digit} { from: net_${digit}, until: "features.4" }
}
task classify { from: net_3, after: "features.4" }
adapter digit_1 -> classify {
  layers: [conv(1)]
  method: back_distillation(init: solve, steps: 3)
  samples: 4
}
"""
"""The least that trains two networks and an edge."""

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
"""Networks that classify and networks that segment, with every kind of edge between them."""

ROUTES = [
    ("digit_3", "classify"),
    ("digit_1", "classify"),
    ("digit_3", "ink"),
    ("digit_1", "ink"),
]
"""The edges of `SEGMENTING`."""


def write_spec(folder: Path, text: str = SMALL, name: str = "small.lego") -> Path:
    """Write a spec into a folder."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def plan_of(spec: Path, *settings: str, store: Path | None = None) -> Plan:
    """Plan a spec."""
    return workspace_of(spec, *settings, store=store)[1]


def workspace_of(spec: Path, *settings: str, store: Path | None = None) -> tuple[Workspace, Plan]:
    """Return a spec's workspace and its plan."""
    overrides = [Override.parse(setting) for setting in settings]
    workspace = Workspace(spec, store)
    return workspace, workspace.plan(load(spec, overrides))


def build_of(
    spec: Path,
    *settings: str,
    store: Path | None = None,
    listener: Listener = lambda event: None,
) -> Report:
    """Build a spec; events go to the listener alone."""
    workspace, plan = workspace_of(spec, *settings, store=store)
    return workspace.build(plan, listener)


def broken(report: Report) -> list[Result[Any]]:
    """Return the steps that left nothing in the store.

    An edge between networks that have learned next to nothing may fail, and its adapter is kept:
    whether it is better than chance can depend on the last bit of a sum, which another machine
    rounds differently.
    """
    return [item for item in report.failed if item.artifact is None]


def large_spec(categories: int, tasks: int) -> str:
    """Return a spec with an edge from each category to each task."""
    return f"""
let cut = "features.4"
data digits {{ source: digits() }}
for name in [{", ".join(f"c{number}" for number in range(categories))}] {{
  network ${{name}}_net {{
    model: legonet.small_vgg(classes: 1, channels: 4)
    train {{ data: digits, category: "3", epochs: 1 }}
  }}
  category ${{name}} {{ from: ${{name}}_net, until: cut }}
  for question in [{", ".join(f"t{number}" for number in range(tasks))}] {{
    adapter ${{name}} -> ${{question}} {{
      method: back_distillation(init: solve, steps: 3)
      samples: 4
    }}
  }}
}}
for question in [{", ".join(f"t{number}" for number in range(tasks))}] {{
  network ${{question}}_net {{
    model: legonet.small_vgg(classes: 1, channels: 4)
    train {{ data: digits, category: "3", epochs: 2 }}
  }}
  task ${{question}} {{ from: ${{question}}_net, after: cut }}
}}
"""

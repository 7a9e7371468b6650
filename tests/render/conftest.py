"""Graphs to draw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from legonet.graph import EdgeState, ModuleGraph, State, load

ANIMALS = """
data crops { source: digits() }
network base {
  model: legonet.small_vgg(classes: 10)
  train { data: crops }
}
network dog_net {
  model: legonet.small_vgg(classes: 1)
  init: base
  train { data: crops, category: dog }
}
network idle_net {
  model: torchvision.vgg16(num_classes: 1)
  weights: "dog.safetensors"
}
category dog { from: dog_net, until: "features.4" }
task classify { from: dog_net, after: "features.4" }
adapter dog -> classify
for animal in [cat, cow, horse, sheep] {
  network ${animal}_net {
    model: legonet.small_vgg(classes: 1)
    init: base
    train { data: crops, category: ${animal} }
  }
  category ${animal} { from: ${animal}_net, until: "features.4" }
  adapter ${animal} -> classify {
    layers: [conv(1), conv(1), conv(1)]
    method: back_distillation(init: solve, steps: 150)
    samples: 20
    unlabelled: 200
  }
}
path pet_finder = cat -> classify
path barn_watch = cow -> classify
"""

DIGITS = """
data digits { source: digits() }
network base { model: legonet.small_vgg(classes: 10), train { data: digits } }
network drawn { model: legonet.small_fcn(classes: 1), init: base, train {
  data: digits, category: "0", goal: segmentation } }
task segment { from: drawn, after: "features.4" }
for digit in [zero, one, two, three] {
  network ${digit}_net {
    model: legonet.small_vgg(classes: 1), init: base, train { data: digits, category: "1" } }
  network ${digit}_ink {
    model: legonet.small_fcn(classes: 1), init: drawn
    train { data: digits, category: "1", goal: segmentation } }
  category ${digit} { from: ${digit}_net, until: "features.4" }
}
task classify { from: zero_net, after: "features.4" }
adapter zero -> classify
for digit in [one, two, three] { adapter ${digit} -> classify { samples: 1 } }
for digit in [zero, one, two, three] {
  adapter ${digit} -> segment { layers: [conv(1), conv(3)], teacher: ${digit}_ink }
}
"""


@pytest.fixture(scope="session")
def graph_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ModuleGraph]:
    """Reads a spec from its text."""

    def read(text: str) -> ModuleGraph:
        file = tmp_path_factory.mktemp("spec") / "spec.lego"
        file.write_text(text)
        return load(file)

    return read


@pytest.fixture(scope="session")
def animals(graph_of: Callable[[str], ModuleGraph]) -> ModuleGraph:
    """Five categories of one task; one of them is joined directly."""
    return graph_of(ANIMALS)


@pytest.fixture(scope="session")
def digits(graph_of: Callable[[str], ModuleGraph]) -> ModuleGraph:
    """Four categories of two tasks, with teachers of their own for the second."""
    return graph_of(DIGITS)


@pytest.fixture(scope="session")
def in_every_state() -> dict[tuple[str, str], EdgeState]:
    """A state for each edge of the animals, no two alike."""
    figures = {"error_rate": 0.0849, "teacher_error_rate": 0.06}
    return {
        ("dog", "classify"): EdgeState(State.DIRECT, {"error_rate": 0.041}),
        ("cat", "classify"): EdgeState(State.MISSING),
        ("cow", "classify"): EdgeState(State.LEARNING),
        ("horse", "classify"): EdgeState(State.FAILED),
        ("sheep", "classify"): EdgeState(State.BUILT, figures),
    }


@pytest.fixture
def only_bundled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without the program `dot`."""
    monkeypatch.setenv("PATH", str(tmp_path / "no programs here"))

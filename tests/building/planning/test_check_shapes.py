"""Which modules are checked for fitting each other, and that none is checked twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from kit.specs import SMALL, large_spec, write_spec

from legonet.building.planning import shapes
from legonet.building.planning.shapes import check_shapes
from legonet.graph import ModuleGraph, load

WATCHED = (
    "instantiate",
    "bottom",
    "top",
    "check_edge",
    "check_output",
    "shape_at",
    "_check_surrogates",
)
MISFITS = (
    SMALL
    + """
network wrong {
  model: torchvision.resnet18(num_classes: 3)
  train { data: digits, category: "3" }
}
network wide {
  model: legonet.small_vgg(classes: 1, channels: 8)
  train { data: digits, category: "3" }
}
category early { from: wide, until: cut }
category late { from: wide, until: cut }
adapter early -> classify { method: stitching(), teacher: net_1, samples: 4 }
adapter late -> classify { method: stitching(), teacher: net_1, samples: 4 }
category nowhere { from: net_1, until: "features.99" }
"""
)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each costly check is made."""
    counts: Counter[str] = Counter()

    def watch(name: str) -> Any:
        real = getattr(shapes, name)

        def call(*arguments: Any, **named: Any) -> Any:
            counts[name] += 1
            return real(*arguments, **named)

        return call

    for name in WATCHED:
        monkeypatch.setattr(shapes, name, watch(name))
    return counts


def places(graph: ModuleGraph, *chosen: Any) -> list[str]:
    """Return the statements in whose lines something is found."""
    lines = Path(graph.spec.origins["data", "digits"].span.source.path).read_text().splitlines()
    found = check_shapes(graph, *chosen)
    return [lines[item.span.line - 1].strip() for item in found if item.span is not None]


@pytest.mark.parametrize("size", [(3, 2), (9, 6)])
def test_what_has_one_model_and_cut_is_checked_once(
    tmp_path: Path, counted: Counter[str], size: tuple[int, int]
) -> None:
    graph = load(write_spec(tmp_path, large_spec(*size)))
    assert check_shapes(graph) == []
    assert counted == dict.fromkeys(WATCHED, 1) | {"shape_at": 2}  # of features and of answers


def test_other_models_cuts_and_methods_are_checked_apart(
    tmp_path: Path, counted: Counter[str]
) -> None:
    text = (
        large_spec(2, 2)
        + """
    network other {
      model: legonet.small_vgg(classes: 1, channels: 8)
      train { data: digits, category: "3" }
    }
    category c9 { from: other, until: cut }
    adapter c9 -> t0 { method: back_distillation(init: solve), samples: 4 }
    adapter c9 -> t1 { method: stitching(), samples: 4 }
    """
    )
    assert check_shapes(load(write_spec(tmp_path, text))) == []
    assert counted["instantiate"] == counted["check_edge"] == counted["_check_surrogates"] == 2


def test_a_misfit_that_is_found_once_is_reported_of_every_edge_that_has_it(
    tmp_path: Path, counted: Counter[str]
) -> None:
    chosen = {("early", "classify"), ("late", "classify")}
    found = check_shapes(load(write_spec(tmp_path, MISFITS)), set(), chosen)
    assert [item.code for item in found] == ["LEGO707", "LEGO707"]
    assert counted["shape_at"] == 2  # of features and of answers


def test_all_is_checked_unless_said(tmp_path: Path) -> None:
    found = places(load(write_spec(tmp_path, MISFITS)))
    assert [line.split(" {")[0] for line in found] == [
        "model: torchvision.resnet18(num_classes: 3)",
        "adapter early -> classify",
        "adapter late -> classify",
        "category nowhere",
    ]


def test_only_what_is_chosen_is_checked(tmp_path: Path) -> None:
    graph = load(write_spec(tmp_path, MISFITS))
    assert places(graph, set(), set()) == []
    assert places(graph, {"net_1"}, {("digit_1", "classify")}) == []
    assert len(places(graph, {"wrong"}, set())) == 1
    (edge,) = places(graph, set(), {("early", "classify")})
    assert edge.startswith("adapter early")


def test_the_networks_of_a_chosen_edge_need_not_be_chosen(
    tmp_path: Path, counted: Counter[str]
) -> None:
    graph = load(write_spec(tmp_path))
    assert check_shapes(graph, set(), {("digit_1", "classify")}) == []
    assert counted["check_edge"] == 1
    assert counted["check_output"] == 0

"""What a graph knows of its modules."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import pytest

from legonet.diagnostics import DiagnosticError
from legonet.graph import ModuleGraph, check_file, load
from legonet.spec import Goal

SPEC = """\
data pictures { source: digits() }
data others { source: digits(), size: 32 }
network young {
  model: legonet.small_vgg(classes: 1)
  init: old
  train { data: pictures, category: "0" }
}
network oldest { model: legonet.small_vgg(classes: 10), train { data: pictures } }
network old { model: legonet.small_vgg(classes: 10), init: oldest, train { data: pictures } }
network ready { model: legonet.small_vgg(classes: 1), weights: "ready.safetensors" }
category zero { from: young, until: "features.4" }
category cat { from: ready, until: "features.4" }
task classify { from: ready, after: "features.4" }
adapter zero -> classify { samples: 10 }
adapter cat -> classify
path finder = zero -> classify
"""


def graph_of(text: str, folder: Path) -> ModuleGraph:
    file = folder / "spec.lego"
    file.write_text(text)
    return load(file)


def test_the_graph_joins_networks_modules_and_edges(tmp_path: Path) -> None:
    graph = graph_of(SPEC, tmp_path).graph
    roles = {(source[1], target[1]): role for source, target, role in graph.edges(data="role")}
    assert roles == {
        ("old", "young"): "init",
        ("oldest", "old"): "init",
        ("young", "zero"): "bottom",
        ("ready", "cat"): "bottom",
        ("ready", "classify"): "top",
        ("zero", "classify"): "adapter",
        ("cat", "classify"): "adapter",
    }


def test_the_graph_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(nx.NetworkXError):
        graph_of(SPEC, tmp_path).graph.add_node("another")


def test_ancestors_come_before_their_heirs(tmp_path: Path) -> None:
    order = graph_of(SPEC, tmp_path).ancestors_first()
    assert sorted(order) == ["old", "oldest", "ready", "young"]
    assert order.index("oldest") < order.index("old") < order.index("young")


def test_circles_follow_init(tmp_path: Path) -> None:
    text = "".join(
        f"network {name} {{ model: legonet.small_vgg(classes: 1), init: {ancestor} }}\n"
        for name, ancestor in (("a", "b"), ("b", "c"), ("c", "a"), ("own", "own"))
    )
    (tmp_path / "spec.lego").write_text(text)
    graph, found = check_file(tmp_path / "spec.lego")
    circles = sorted(graph.ancestor_circles(), key=len)
    assert circles[0] == ["own"]
    start = circles[1].index("a")
    assert circles[1][start:] + circles[1][:start] == ["a", "b", "c"]
    assert [item.code for item in found] == ["LEGO301", "LEGO301"]


def test_what_an_adapter_learns_from(tmp_path: Path) -> None:
    graph = graph_of(SPEC, tmp_path)
    learned, direct = (graph.spec.adapters[name, "classify"] for name in ("zero", "cat"))
    assert graph.teacher_name(learned) == "young"
    assert graph.data_name(learned) == "pictures"
    assert graph.category_label(learned) == "0"
    assert graph.teacher_name(direct) is None
    assert graph.data_name(direct) is None
    assert graph.category_label(direct) == "cat"


def test_an_adapter_may_name_its_teacher_and_data(tmp_path: Path) -> None:
    text = SPEC.replace("{ samples: 10 }", "{ samples: 10, teacher: ready, data: others }")
    graph = graph_of(text, tmp_path)
    learned = graph.spec.adapters["zero", "classify"]
    assert graph.teacher_name(learned) == "ready"
    assert graph.data_name(learned) == "others"
    assert graph.category_label(learned) == "zero"


def test_the_goal_is_the_recipes_or_else_the_models(tmp_path: Path) -> None:
    graph = graph_of(
        "data pictures { source: digits() }\n"
        'network vgg { model: legonet.small_vgg(1), weights: "a" }\n'
        'network fcn { model: legonet.small_fcn(1), weights: "a" }\n'
        'network big { model: torchvision.fcn_resnet50(), weights: "a" }\n'
        "network told { model: torchvision.vgg16(), train { data: pictures, goal: segmentation } }",
        tmp_path,
    )
    goals = {name: graph.goal(network) for name, network in graph.spec.networks.items()}
    assert goals == {
        "vgg": Goal.CLASSIFICATION,
        "fcn": Goal.SEGMENTATION,
        "big": Goal.SEGMENTATION,
        "told": Goal.SEGMENTATION,
    }


def test_graphs_are_equal_when_they_say_the_same(tmp_path: Path) -> None:
    graph = graph_of(SPEC, tmp_path)
    assert graph == graph_of("# a comment\n" + SPEC, tmp_path)
    assert graph != graph_of(SPEC.replace("samples: 10", "samples: 11"), tmp_path)


def test_load_raises_every_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError) as refused:
        graph_of("data a { sorce: digits() }\ndata b { source: digit() }\n", tmp_path)
    assert [item.code for item in refused.value.diagnostics] == ["LEGO203", "LEGO208"]


def test_a_warning_does_not_stop_the_work(tmp_path: Path) -> None:
    networks = "".join(
        f"network {name} {{ model: legonet.small_vgg(1), train {{ data: p, category: {name} }} }}\n"
        for name in ("cat", "dog")
    )
    text = (
        f'data p {{ source: cifar10("data") }}\n{networks}'
        'category cat { from: cat, until: "features.4" }\n'
        'task classify { from: dog, after: "features.4" }\n'
        "adapter cat -> classify { samples: 20 }\n"
    )
    assert ("cat", "classify") in graph_of(text, tmp_path).spec.adapters
    assert [item.code for item in check_file(tmp_path / "spec.lego")[1]] == ["LEGO312"]


def test_a_statement_with_a_mistake_is_left_out_and_not_missed(tmp_path: Path) -> None:
    (tmp_path / "spec.lego").write_text(SPEC.replace("samples: 10", "samples: -10"))
    graph, found = check_file(tmp_path / "spec.lego")
    assert [item.code for item in found] == ["LEGO206"]
    assert ("zero", "classify") not in graph.spec.adapters
    assert ("cat", "classify") in graph.spec.adapters

"""What a graph knows of its modules."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import pytest

from legonet.diagnostics import DiagnosticError
from legonet.goals.classification import Classification
from legonet.goals.segmentation import Segmentation
from legonet.graph import ModuleGraph, check_file, load
from legonet.graph.resolved import ResolvedDataset, with_ancestors

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
    graph = graph_of(SPEC, tmp_path).compiled
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


def test_its_nodes_and_edges_carry_what_their_names_stand_for(tmp_path: Path) -> None:
    graph = graph_of(SPEC, tmp_path)
    compiled = graph.compiled
    young = compiled.nodes["network", "young"]["network"]
    assert young is graph.network("young")
    assert young.needs == {"ancestor": "old"}
    assert young.dataset is not None
    assert young.dataset.name == "pictures"
    assert young.dataset.data is graph.spec.data["pictures"]
    edge = compiled.edges[("category", "zero"), ("task", "classify")]["edge"]
    assert edge is graph.edge("zero", "classify")
    assert (edge.category_network, edge.task_network) == (young, graph.network("ready"))
    assert edge.teacher is edge.category_network, "by default it is the category's own"
    assert edge.dataset == ResolvedDataset(
        "pictures", graph.spec.data["pictures"], young.dataset.category, edge.goal
    )
    direct = graph.edge("cat", "classify")
    assert direct.learning is None
    assert direct.category_network is direct.task_network
    assert graph.edges() == [edge, direct]


def test_the_graph_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(nx.NetworkXError):
        graph_of(SPEC, tmp_path).compiled.add_node("another")


def test_ancestors_come_before_their_heirs(tmp_path: Path) -> None:
    order = [network.name for network in graph_of(SPEC, tmp_path).networks()]
    assert sorted(order) == ["old", "oldest", "ready", "young"]
    assert order.index("oldest") < order.index("old") < order.index("young")
    assert with_ancestors(graph_of(SPEC, tmp_path).compiled, ["young"]) == {*order} - {"ready"}


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
        "vgg": Classification(),
        "fcn": Segmentation(),
        "big": Segmentation(),
        "told": Segmentation(),
    }


def test_graphs_are_equal_when_they_say_the_same(tmp_path: Path) -> None:
    graph = graph_of(SPEC, tmp_path)
    assert graph == graph_of("# a comment\n" + SPEC, tmp_path)
    assert graph != graph_of(SPEC.replace("samples: 10", "samples: 11"), tmp_path)


def test_load_raises_every_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError) as refused:
        graph_of("data a { sorce: digits() }\ndata b { source: digit() }\n", tmp_path)
    assert [item.code for item in refused.value.diagnostics] == ["LEGO203", "LEGO208"]


def two_animals(source: str) -> str:
    """Return a spec that joins networks of two animals, each told from all else in a source."""
    networks = "".join(
        f"network {name} {{ model: legonet.small_vgg(1), train {{ data: p, category: {name} }} }}\n"
        for name in ("cat", "dog")
    )
    return (
        f"data p {{ source: {source} }}\n{networks}"
        'category cat { from: cat, until: "features.4" }\n'
        'task classify { from: dog, after: "features.4" }\n'
        "adapter cat -> classify { samples: 20 }\n"
    )


@pytest.mark.parametrize(
    "source",
    [
        'cifar10("data")',
        'cifar10_jpeg("x.npz")',
        'voc("data")',
        'sbd("data")',
        'oxford_pets("data")',
    ],
)
def test_a_warning_does_not_stop_the_work(source: str, tmp_path: Path) -> None:
    text = two_animals(source)
    assert ("cat", "classify") in graph_of(text, tmp_path).spec.adapters
    assert [item.code for item in check_file(tmp_path / "spec.lego")[1]] == ["LEGO312"]


@pytest.mark.parametrize("source", ['pascal_part("data")', 'folder("data")', "stripes()"])
def test_where_background_may_be_its_own_nothing_is_warned_of(source: str, tmp_path: Path) -> None:
    text = two_animals(source)
    (tmp_path / "spec.lego").write_text(text)
    assert "LEGO312" not in [item.code for item in check_file(tmp_path / "spec.lego")[1]]


def test_a_statement_with_a_mistake_is_left_out_and_not_missed(tmp_path: Path) -> None:
    (tmp_path / "spec.lego").write_text(SPEC.replace("samples: 10", "samples: -10"))
    graph, found = check_file(tmp_path / "spec.lego")
    assert [item.code for item in found] == ["LEGO206"]
    assert ("zero", "classify") not in graph.spec.adapters
    assert ("cat", "classify") in graph.spec.adapters

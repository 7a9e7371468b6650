"""A graph is edited in Python, and each edit is checked as a statement of a file is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

import legonet
from legonet.data.sources.folder import Folder
from legonet.diagnostics import CODES, DiagnosticError
from legonet.distill.methods import BackDistillation, Stitching
from legonet.graph import ModuleGraph, load
from legonet.language.declarations import Adapter, Learning, Recipe
from legonet.language.models import LibraryModel
from legonet.language.weights import WeightsFile

SPEC = """\
data pictures { source: digits() }
network dog_net {
  model: legonet.small_vgg(classes: 1)
  train { data: pictures, category: "0", epochs: 3 }
}
network cat_net { model: legonet.small_vgg(classes: 1), init: dog_net, weights: "cat.safetensors" }
category dog { from: dog_net, until: "features.4" }
category cat { from: cat_net, until: "features.4" }
task classify { from: dog_net, after: "features.4" }
adapter dog -> classify
adapter cat -> classify { samples: 10, teacher: cat_net, data: pictures }
path finder = cat -> classify
""".replace("init: dog_net, ", "")


@pytest.fixture
def graph(tmp_path: Path) -> ModuleGraph:
    file = tmp_path / "animals.lego"
    file.write_text(SPEC)
    return load(file)


def test_a_graph_grows_from_nothing() -> None:
    graph = legonet.ModuleGraph()
    graph.add("data", "pictures", source="digits()")
    graph.add(
        "network",
        "dog_net",
        model="legonet.small_vgg(classes: 1)",
        train={"data": "pictures", "category": "0", "goal": "classification"},
    )
    graph.add("category", "dog", network="dog_net", until="features.4")
    graph.add("task", "classify", network="dog_net", after="features.4")
    graph.connect("dog", "classify").add("path", "finder", category="dog", task="classify")
    assert graph.check() == []
    assert repr(graph) == (
        "<ModuleGraph, unsaved: 1 data block, 1 network, 1 category, 1 task, 1 adapter, 1 path>"
    )
    assert repr(ModuleGraph()) == "<ModuleGraph, unsaved: empty>"
    assert graph.spec.adapters["dog", "classify"] == Adapter(category="dog", task="classify")


def test_values_are_text_as_in_a_file_or_forms(graph: ModuleGraph) -> None:
    forms = graph.copy()
    graph.add("data", "own", source='folder("own")', size=32)
    forms.add("data", "own", source=Folder(directory=graph.spec.data["own"].source.directory))  # type: ignore[union-attr]
    forms.change("data", "own", size=32)
    graph.change(
        "network",
        "cat_net",
        model='torchvision.vgg16(num_classes: 1, weights: "x")',
        weights="w/cat.safetensors",
        train={"data": "own", "category": "cat", "learning_rate": 1e-5},
    )
    folder = graph.file.parent if graph.file else Path()
    forms.change(
        "network",
        "cat_net",
        model=LibraryModel(
            library="torchvision", name="vgg16", arguments={"num_classes": 1, "weights": "x"}
        ),
        weights=WeightsFile(file=folder / "w/cat.safetensors"),
        train=Recipe(data="own", category="cat", learning_rate=1e-5),
    )
    text = 'back_distillation(init: stitching, preset: experiment1, output_gradient: "random")'
    graph.connect("cat", "classify", method=text, layers=[1, 3], samples=20)
    method = BackDistillation(
        init="stitching",
        preset="experiment1",
        output_gradient="random",  # type: ignore[call-arg]
    )
    forms.connect("cat", "classify", method=method, layers=(1, 3), samples=20)
    assert graph == forms
    assert graph.text() == forms.text()


def test_a_change_leaves_other_fields_as_they_are(graph: ModuleGraph) -> None:
    graph.change("adapter", "cat", "classify", samples=30, method=Stitching())
    learning = graph.spec.adapters["cat", "classify"].learning
    assert learning == Learning(samples=30, teacher="cat_net", data="pictures", method=Stitching())
    graph.change("adapter", "cat", "classify", samples=None, data=None)
    learning = graph.spec.adapters["cat", "classify"].learning
    assert learning == Learning(teacher="cat_net", method=Stitching())
    graph.change("network", "dog_net", train={"epochs": 9, "category": None})
    assert graph.spec.networks["dog_net"].train == Recipe(data="pictures", epochs=9)
    graph.change("network", "dog_net", train=None, weights="dog.safetensors")
    assert graph.spec.networks["dog_net"].train is None
    graph.change("path", "finder", category="dog")
    assert graph.spec.paths["finder"].edges == (("dog", "classify"),)


def test_an_edge_is_connected_again_from_its_defaults(graph: ModuleGraph) -> None:
    graph.connect("cat", "classify", samples=4)
    assert graph.spec.adapters["cat", "classify"].learning == Learning(samples=4)
    graph.connect("dog", "classify")
    assert graph.spec.adapters["dog", "classify"].learning is None
    graph.connect("cat", "classify")
    assert graph.spec.adapters["cat", "classify"].learning == Learning()


def test_references_follow_a_rename(graph: ModuleGraph) -> None:
    graph.change("network", "cat_net", init="dog_net", weights=None)
    graph.rename("network", "dog_net", "hound").rename("network", "cat_net", "puss")
    graph.rename("data", "pictures", "photographs").rename("category", "cat", "kitten")
    graph.rename("task", "classify", "tell").rename("path", "finder", "seeker")
    spec = graph.spec
    assert spec.networks["puss"].init == "hound"
    assert spec.networks["hound"].train == Recipe(data="photographs", category="0", epochs=3)
    assert (spec.categories["dog"].network, spec.tasks["tell"].network) == ("hound", "hound")
    assert list(spec.adapters) == [("dog", "tell"), ("kitten", "tell")]
    learning = spec.adapters["kitten", "tell"].learning
    assert learning is not None
    assert (learning.teacher, learning.data) == ("puss", "photographs")
    assert spec.paths["seeker"].edges == (("kitten", "tell"),)
    assert graph.check() == []


def test_what_others_need_is_removed_with_them_alone(graph: ModuleGraph) -> None:
    before = graph.spec
    with pytest.raises(DiagnosticError) as refused:
        graph.remove("network", "cat_net")
    (found,) = refused.value.diagnostics
    assert found.code == "LEGO720"
    for name in ("category `cat`", "adapter `cat -> classify`", "path `finder`"):
        assert name in found.message
    assert "dog" not in found.message
    assert graph.spec is before
    graph.remove("network", "cat_net", cascade=True)
    assert list(graph.spec.adapters) == [("dog", "classify")]
    assert not graph.spec.paths
    graph.disconnect("dog", "classify").remove("data", "pictures", cascade=True)
    assert repr(graph) == "<ModuleGraph, animals.lego: empty>"


WRONG: list[tuple[Callable[[ModuleGraph], Any], str, str]] = [
    (lambda g: g.change("network", "dog_net", modle="x()"), "LEGO203", "`model`"),
    (lambda g: g.change("network", "dog_net", train={"epoch": 3}), "LEGO203", "`epochs`"),
    (lambda g: g.change("network", "dog_net", train={"epochs": "3"}), "LEGO206", "whole number"),
    (lambda g: g.change("network", "dog_net", train={"data": None}), "LEGO205", "`data`"),
    (lambda g: g.change("network", "dog_net", train=3), "LEGO206", "takes a block"),
    (lambda g: g.change("network", "dgo_net", init=None), "LEGO202", "`dog_net`"),
    (lambda g: g.change("network", "cat_net", init="dogs_net"), "LEGO202", "`dog_net`"),
    (lambda g: g.change("network", "cat_net", init="classify"), "LEGO218", "is a task"),
    (lambda g: g.change("network", "cat_net", model="legonet.small_vg(1)"), "LEGO208", "small_vgg"),
    (lambda g: g.change("network", "cat_net", model="legonet.small_vgg("), "LEGO206", "a model"),
    (lambda g: g.change("network", "cat_net", model="legonet.small_vgg()"), "LEGO205", "classes"),
    (lambda g: g.change("adapter", "cat", "classify", samples=-1), "LEGO206", "at least 0"),
    (lambda g: g.change("adapter", "cat", "classify", layers=[2]), "LEGO206", "odd"),
    (lambda g: g.change("adapter", "cat", "classify", layers=3), "LEGO206", "a list"),
    (lambda g: g.change("adapter", "cat", "classify", samples=1.5), "LEGO206", "whole number"),
    (lambda g: g.change("adapter", "cat", "clasify", samples=1), "LEGO202", "cat -> classify"),
    (lambda g: g.change("adapter", "cat", "classify", samples=object()), "LEGO728", "`samples`"),
    (lambda g: g.change("adapter", "cat", "classify", samples=float("nan")), "LEGO728", "nan"),
    (lambda g: g.change("adapter", "cat", "classify", samples=b"1"), "LEGO728", "bytes"),
    (lambda g: g.change("adapter", "cat", "classify", **{"a: 1 }\nlet x": 1}), "LEGO203", "a: 1"),
    (lambda g: g.change("path", "finder", category="dgo"), "LEGO202", "`dog`"),
    (lambda g: g.change("path", "finder", categroy="dog"), "LEGO203", "`category`"),
    (lambda g: g.add("path", "other", category="dog"), "LEGO205", "`task`"),
    (lambda g: g.add("path", "other", category="dog -> x", task="y"), "LEGO1", ""),
    (lambda g: g.add("network", "dog_net", model="legonet.small_vgg(1)"), "LEGO204", "already"),
    (lambda g: g.add("network", "new", weights="x"), "LEGO205", "`model`"),
    (lambda g: g.add("network", "new-net", model="legonet.small_vgg(1)"), "LEGO104", "new_net"),
    (lambda g: g.add("network", "zoo.net", model="legonet.small_vgg(1)"), "LEGO721", "dot"),
    (lambda g: g.add("category", "new {}\nlet", network="dog_net", until="x"), "LEGO1", ""),
    (lambda g: g.add("category", "new", network="dog_net", unitl="x"), "LEGO203", "`until`"),
    (lambda g: g.add("netwrok", "new"), "LEGO201", "`network`"),
    (lambda g: g.connect("cow", "classify"), "LEGO202", "category `cow`"),
    (lambda g: g.connect("cat", "clasify"), "LEGO202", "`classify`"),
    (lambda g: g.connect("classify", "cat"), "LEGO218", "is a task"),
    (lambda g: g.disconnect("cat", "dog"), "LEGO202", "cat -> dog"),
    (lambda g: g.disconnect("cat", "classify"), "LEGO720", "path `finder`"),
    (lambda g: g.rename("network", "dog_net", "cat_net"), "LEGO204", "already"),
    (lambda g: g.rename("network", "dog_net", "in"), "LEGO1", "`in`"),
    (lambda g: g.rename("network", "dog_net", "dog net"), "LEGO104", "net"),
    (lambda g: g.rename("task", "clasify", "x"), "LEGO202", "`classify`"),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_wrong_edit_is_told_and_changes_nothing(graph: ModuleGraph, number: int) -> None:
    do, code, words = WRONG[number]
    before = graph.spec
    with pytest.raises(DiagnosticError) as refused:
        do(graph)
    found = refused.value.diagnostics
    assert all(item.code in CODES for item in found)
    assert found[0].code.startswith(code)
    assert words in " ".join(part for item in found for part in (item.message, *item.help))
    assert graph.spec is before


def test_a_statement_needs_the_right_number_of_names(graph: ModuleGraph) -> None:
    with pytest.raises(TypeError, match="a category and a task"):
        graph.remove("adapter", "cat")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="one name"):
        graph.remove("network", "cat", "dog")  # type: ignore[call-overload]


def test_mistakes_between_statements_wait_for_the_check(graph: ModuleGraph) -> None:
    graph.change("category", "dog", until="features.1")
    assert [item.code for item in graph.check()] == ["LEGO304"]
    with pytest.raises(DiagnosticError) as refused:
        graph.sound()
    assert [item.code for item in refused.value.diagnostics] == ["LEGO304"]
    graph.change("task", "classify", after="features.1")
    assert graph.check() == []
    assert graph.sound() == graph


def test_a_copy_has_a_life_of_its_own(graph: ModuleGraph) -> None:
    copy = graph.copy()
    assert copy == graph
    assert copy is not graph
    copy.rename("network", "dog_net", "hound")
    assert copy != graph
    assert "hound" not in graph.spec.networks
    assert graph != SPEC
    with pytest.raises(TypeError):
        hash(graph)


def test_the_plain_graph_belongs_to_who_asks_for_it(graph: ModuleGraph) -> None:
    plain = graph.to_networkx()
    assert nx.is_isomorphic(plain, graph.compiled)
    assert plain.nodes["network", "dog_net"] == {"kind": "network"}
    plain.add_edge(("network", "dog_net"), "mine")
    assert "mine" not in graph.compiled
    graph.connect("dog", "classify", samples=2).disconnect("cat", "classify", cascade=True)
    assert graph.compiled.has_edge(("category", "dog"), ("task", "classify"))
    assert not graph.compiled.has_edge(("category", "cat"), ("task", "classify"))

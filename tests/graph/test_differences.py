"""What two graphs do not have in common."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.specs import SMALL

from legonet.distill.methods import Transplant
from legonet.graph import FieldChange, GraphDifference, ModuleGraph, load


def graph_of(folder: Path, text: str = SMALL) -> ModuleGraph:
    file = folder / "spec.lego"
    file.write_text(text)
    return load(file)


@pytest.fixture
def graph(tmp_path: Path) -> ModuleGraph:
    return graph_of(tmp_path)


def test_graphs_that_say_the_same_do_not_differ(graph: ModuleGraph, tmp_path: Path) -> None:
    difference = graph.diff(graph_of(tmp_path, "# a comment\n" + SMALL))
    assert not difference
    assert difference == GraphDifference()
    assert str(difference) == "no difference"


def test_statements_and_fields_that_differ_are_named(graph: ModuleGraph) -> None:
    other = graph.copy().remove("path", "read_one").add("data", "more", source="digits()")
    other.change("network", "net_1", train={"epochs": 4, "category": None})
    other.connect("digit_1", "classify", samples=4, layers=[1, 3])
    other.connect("digit_3", "classify", samples=2)
    difference = graph.diff(other)
    assert difference.added == (("data", "more"),)
    assert difference.removed == (("path", "read_one"),)
    assert difference.renamed == {}
    assert difference.changed["network", "net_1"] == (
        FieldChange("train.category", "1", None),
        FieldChange("train.epochs", 1, 4),
    )
    method = graph.spec.adapters["digit_1", "classify"].learning.method  # type: ignore[union-attr]
    assert difference.changed["adapter", "digit_1", "classify"] == (
        FieldChange("layers", (1,), (1, 3)),
        FieldChange("method", method, Transplant()),
    )
    assert str(difference) == (
        "- path read_one\n"
        "+ data block more\n"
        "~ network net_1\n"
        '    train.category: "1" -> nothing\n'
        "    train.epochs: 1 -> 4\n"
        "~ adapter digit_3 -> classify\n"
        "    body: nothing -> { samples: 2 }\n"
        "~ adapter digit_1 -> classify\n"
        "    layers: [1] -> [1, 3]\n"
        "    method: back_distillation(steps: 3) -> transplant()"
    )


def test_names_that_changed_are_no_other_statements(graph: ModuleGraph) -> None:
    other = graph.copy().rename("network", "net_1", "one").rename("category", "digit_1", "first")
    other.change("network", "one", train={"epochs": 2})
    difference = graph.diff(other)
    assert difference.renamed == {
        ("network", "net_1"): ("network", "one"),
        ("category", "digit_1"): ("category", "first"),
    }
    assert difference.changed == {("network", "one"): (FieldChange("train.epochs", 1, 2),)}
    assert difference.added == ()
    assert difference.removed == ()
    assert str(difference).startswith("= network net_1 is now called one\n")


def test_what_was_removed_has_the_names_that_it_had(graph: ModuleGraph) -> None:
    other = graph.copy().rename("task", "classify", "tell").disconnect("digit_3", "tell")
    difference = graph.diff(other)
    assert difference.removed == (("adapter", "digit_3", "classify"),)
    assert other.diff(graph).added == difference.removed
    assert difference.changed == {}


def test_a_name_in_another_file_changed_where_only_one_can_be_meant(
    graph: ModuleGraph, tmp_path: Path
) -> None:
    text = SMALL.replace("ancestor", "root").replace("digit_${digit}", "d_${digit}")
    other = graph_of(tmp_path, text.replace("digit_3", "d_3").replace("digit_1", "d_1"))
    difference = graph.diff(other)
    assert difference.renamed == {
        ("network", "ancestor"): ("network", "root"),
        ("category", "digit_1"): ("category", "d_1"),
        ("category", "digit_3"): ("category", "d_3"),
    }
    assert difference == GraphDifference(renamed=difference.renamed)


def test_of_several_that_say_the_same_none_is_taken_for_another(tmp_path: Path) -> None:
    text = 'network {} {{ model: legonet.small_vgg(1), weights: "w" }}\n'
    before = graph_of(tmp_path, text.format("a") + text.format("b"))
    after = graph_of(tmp_path, text.format("c") + text.format("d"))
    difference = before.diff(after)
    assert difference.renamed == {}
    assert set(difference.removed) == {("network", "a"), ("network", "b")}
    assert set(difference.added) == {("network", "c"), ("network", "d")}

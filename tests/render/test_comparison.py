from __future__ import annotations

from collections.abc import Callable

import pytest

from legonet.graph import ModuleGraph
from legonet.render import Change, Comparison, ComparisonPicture, Version, to_text

Read = Callable[[str], ModuleGraph]

SPEC = """
data digits {{ source: digits() }}
for name in [{names}] {{
  network ${{name}}_net {{
    model: legonet.small_vgg(classes: 1)
    train {{ data: digits, category: "3", epochs: {epochs} }}
  }}
  category ${{name}} {{ from: ${{name}}_net, until: "features.4" }}
  adapter ${{name}} -> classify {{ samples: {samples} }}
}}
network base {{ model: legonet.small_vgg(classes: 1), train {{ data: digits, category: "1" }} }}
task classify {{ from: base, after: "features.4" }}
"""


def text(names: str = "cat, cow", epochs: int = 1, samples: int = 4) -> str:
    return SPEC.format(names=names, epochs=epochs, samples=samples)


def changes(before: ModuleGraph, after: ModuleGraph, kind: str = "adapter") -> dict[str, Change]:
    found = Comparison(Version(before), Version(after))
    return {item.name: item.change for item in found.of_kind(kind)}


def test_equal_specs_have_no_difference(graph_of: Read) -> None:
    graph = graph_of(text())
    assert set(changes(graph, graph).values()) == {Change.SAME}
    assert to_text(Comparison(Version(graph), Version(graph))) == (
        "2 edges: 2 unchanged\n3 networks: 3 unchanged"
    )


def test_what_is_added_and_removed(graph_of: Read) -> None:
    found = changes(graph_of(text("cat, cow")), graph_of(text("cat, hen")))
    # Nothing tells the cow from the hen but the name, so that it is the same by another name.
    assert found == {"cat -> classify": Change.SAME, "hen -> classify": Change.SAME}
    found = changes(graph_of(text("cat")), graph_of(text("cat, hen")))
    assert found["hen -> classify"] is Change.ADDED
    found = changes(graph_of(text("cat, hen")), graph_of(text("cat")))
    assert found["hen -> classify"] is Change.REMOVED


def test_another_name_is_told(graph_of: Read) -> None:
    found = Comparison(Version(graph_of(text("cat, cow"))), Version(graph_of(text("cat, hen"))))
    (edge,) = (item for item in found.of_kind("adapter") if item.was is not None)
    assert (edge.was, edge.key) == (("adapter", "cow", "classify"), ("adapter", "hen", "classify"))
    assert "= edge hen -> classify (was cow -> classify)" in to_text(found)


def test_an_edge_changes_with_its_fields_and_with_its_networks(graph_of: Read) -> None:
    assert set(changes(graph_of(text()), graph_of(text(samples=8))).values()) == {Change.REBUILT}
    assert set(changes(graph_of(text()), graph_of(text(epochs=2))).values()) == {Change.REBUILT}
    assert changes(graph_of(text()), graph_of(text(samples=8)), "network") == {
        "cat_net": Change.SAME,
        "cow_net": Change.SAME,
        "base": Change.SAME,
    }


def test_the_fields_are_named(graph_of: Read) -> None:
    found = Comparison(Version(graph_of(text())), Version(graph_of(text(samples=8))))
    assert "↻ edge cat -> classify: rebuilt\n    samples\n" in to_text(found)


@pytest.mark.parametrize(
    ("before", "after", "sign", "style", "colour"),
    [
        ("cat", "cat, hen", "+ added", "solid", "#1a7f37"),
        ("cat, hen", "cat", "− removed", "dashed", "#cf222e"),
    ],
)
def test_a_change_is_shown_by_a_colour_a_line_and_a_sign(
    graph_of: Read, before: str, after: str, sign: str, style: str, colour: str
) -> None:
    found = Comparison(Version(graph_of(text(before))), Version(graph_of(text(after))))
    dot = ComparisonPicture(found).dot()
    (line,) = (line for line in dot.splitlines() if '"category hen" -> "adapter' in line)
    assert f'color="{colour}"' in line
    assert f'style="{style}"' in line
    (box,) = (
        line for line in dot.splitlines() if line.strip().startswith('"adapter hen -> classify" [')
    )
    assert sign in box
    assert f">{sign.partition(' ')[2]}: 1<" in dot


def test_a_comparison_can_be_read_out(graph_of: Read) -> None:
    found = Comparison(Version(graph_of(text("cat"))), Version(graph_of(text("cat, hen"))))
    svg = ComparisonPicture(found).svg()
    assert "<desc>Edges: 1 added, 1 unchanged</desc>" in svg

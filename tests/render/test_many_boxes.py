"""Pictures with thousands of boxes: nothing is missing, whatever Graphviz leaves out."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from legonet.diagnostics import DiagnosticError
from legonet.graph import ModuleGraph, load
from legonet.render import IncompleteError, draw, layout
from legonet.render.diagram import LONGEST_CHAIN
from legonet.render.layout import laid_out

MANY = """
data digits {{ source: digits() }}
network donor {{
  model: legonet.small_vgg(classes: 1)
  train {{ data: digits, category: "0" }}
}}
task tell {{ from: donor, after: "features.4" }}
for number in [{numbers}] {{
  category digit_${{number}} {{ from: donor, until: "features.4" }}
  adapter digit_${{number}} -> tell
}}
"""


def graph_of(folder: Path, count: int) -> ModuleGraph:
    file = folder / "many.lego"
    file.write_text(MANY.format(numbers=", ".join(map(str, range(count)))))
    return load(file)


@pytest.mark.parametrize("count", [1, 4, LONGEST_CHAIN, LONGEST_CHAIN + 1, 2 * LONGEST_CHAIN + 3])
def test_each_box_is_above_the_next_one_whatever_their_number(count: int, tmp_path: Path) -> None:
    picture = draw(graph_of(tmp_path, count), collapse=10**6)
    diagram = picture.diagram(lambda _: "")
    lines = [line for line in diagram.dot().splitlines() if "->" in line and "invis" in line]
    chains = [re.findall(r'"(?:[^"\\]|\\.)*"', line.rpartition("[")[0]) for line in lines]
    pairs = {pair for chain in chains for pair in pairwise(chain)}
    for column in diagram.columns:
        names = [box.name for box in column.all()]
        assert set(pairwise(names)) <= pairs
    assert max(map(len, chains)) <= LONGEST_CHAIN + 1


def test_a_column_of_thousands_is_drawn_to_its_end(tmp_path: Path) -> None:
    # Graphviz reads a chain of about 2,500 lines to its end, and nothing after that.
    file = tmp_path / "many.svg"
    draw(graph_of(tmp_path, 2_600), file, collapse=10**6)
    assert all(f"digit_{number}<" in file.read_text() for number in (0, 1_300, 2_599))


@pytest.mark.parametrize("part", ["objects", "edges"])
def test_what_graphviz_leaves_out_is_noticed(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = draw(graph_of(tmp_path, 3))
    drawn = layout.picture_of

    def without_its_end(dot: str, suffix: str, **options: Any) -> bytes:
        found = json.loads(drawn(dot, suffix, **options))
        shown = [item for item in found[part] if item.get("style") != "invis"]
        found[part].remove(shown[-1])
        return json.dumps(found).encode()

    monkeypatch.setattr(layout, "picture_of", without_its_end)
    with pytest.raises(IncompleteError, match="LEGO805"):
        laid_out(picture.diagram(lambda _: ""))
    with pytest.raises(DiagnosticError, match="--collapse"):
        picture.save(tmp_path / "picture.svg")
    assert not (tmp_path / "picture.svg").exists()

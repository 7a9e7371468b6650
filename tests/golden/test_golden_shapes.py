"""What ``legonet check --shapes`` says of modules that do not fit, word for word.

The specs stand in ``shapes``; for the rest see ``test_golden``.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from legonet.build.planning.shapes import check_shapes
from legonet.diagnostics import in_order
from legonet.diagnostics.text import summary, to_text
from legonet.graph import check_file

FOLDER = Path(__file__).parent / "shapes"
SPECS = sorted(path.name for path in FOLDER.glob("*.lego"))
OF_SHAPES = {
    *("LEGO501", "LEGO504", "LEGO505", "LEGO510", "LEGO511", "LEGO512"),
    *("LEGO520", "LEGO521", "LEGO522", "LEGO523", "LEGO707"),
    *("LEGO601", "LEGO603", "LEGO610"),
}
"""Codes that need no more than a spec and its weight files."""


@pytest.mark.parametrize("name", SPECS)
def test_the_text_is_the_expected_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    graph, mistakes = check_file(Path(name))
    assert mistakes == []
    found = check_shapes(graph)
    text = "\n\n".join([*map(to_text, found), summary(found)]) + "\n"
    text = text.replace(f"{FOLDER}{os.sep}", "")
    expected = FOLDER / name.replace(".lego", ".expected")
    if os.environ.get("LEGONET_UPDATE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
        pytest.fail(f"wrote {expected.name} anew; run again without LEGONET_UPDATE_GOLDEN")
    assert text == expected.read_text(encoding="utf-8")
    assert found == in_order(found)


def test_every_code_of_shapes_has_a_spec() -> None:
    texts = [path.read_text(encoding="utf-8") for path in FOLDER.glob("*.expected")]
    assert set(re.findall(r"\[(LEGO\d{3})\]", "".join(texts))) >= OF_SHAPES

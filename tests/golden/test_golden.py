"""What a person reads for each mistake, word for word.

Each ``NAME.lego`` beside this file holds one mistake, ``NAME.expected`` the text for it. With
``LEGONET_UPDATE_GOLDEN=1`` in the environment the expected texts are written anew; read the
difference before you keep it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from legonet.diagnostics import in_order
from legonet.diagnostics.text import summary, to_text
from legonet.graph import check_file

FOLDER = Path(__file__).parent
SPECS = sorted(path.name for path in FOLDER.glob("*.lego"))


@pytest.mark.parametrize("name", SPECS)
def test_the_text_is_the_expected_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    _, found = check_file(Path(name))
    text = "\n\n".join([*map(to_text, found), summary(found)]) + "\n"
    expected = FOLDER / name.replace(".lego", ".expected")
    if os.environ.get("LEGONET_UPDATE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
        pytest.fail(f"wrote {expected.name} anew; run again without LEGONET_UPDATE_GOLDEN")
    assert text == expected.read_text(encoding="utf-8")
    assert found == in_order(found)


def test_every_expected_text_has_its_spec() -> None:
    texts = sorted(path.name for path in FOLDER.glob("*.expected"))
    assert texts == [name.replace(".lego", ".expected") for name in SPECS]

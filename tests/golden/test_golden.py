"""What a person reads for each mistake, word for word.

Each ``NAME.lego`` beside this file holds one mistake, ``NAME.expected`` the text for it. With
``LEGONET_UPDATE_GOLDEN=1`` in the environment the expected texts are written anew; read the
difference before you keep it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from legonet.diagnostics import CODES, in_order
from legonet.diagnostics.text import summary, to_text
from legonet.graph import check_file

FOLDER = Path(__file__).parent
SPECS = sorted(path.name for path in FOLDER.glob("*.lego"))

ELSEWHERE = {
    "LEGO103": "spec/test_hostile.py",
    "LEGO109": "spec/test_hostile.py",
    "LEGO216": "spec/test_override.py",
    "LEGO217": "spec/test_override.py",
}
"""Codes that no short file can show: of files too large, and of ``--set``."""

SEVERAL = {
    *("empty.lego", "comment_only.lego"),  # no mistake
    *("several_mistakes.lego", "several_syntax_mistakes.lego"),
    *("kernel_without_conv.lego", "mistake_in_loop.lego", "path_of_unknown_names.lego"),
}
"""Specs with another number of mistakes than one."""


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


def test_every_code_that_a_check_can_report_has_a_spec() -> None:
    texts = [path.read_text(encoding="utf-8") for path in FOLDER.glob("*.expected")]
    shown = set(re.findall(r"\[(LEGO\d{3})\]", "".join(texts)))
    assert sorted(name for name in CODES if name[4] in "123") == sorted(shown | set(ELSEWHERE))
    for name, file in ELSEWHERE.items():
        assert name in (FOLDER.parent / file).read_text(encoding="utf-8")


def test_a_mistake_makes_one_error() -> None:
    several = {
        name
        for name in SPECS
        if not (FOLDER / name.replace(".lego", ".expected"))
        .read_text(encoding="utf-8")
        .endswith(("\n1 error\n", "\n1 warning\n"))
    }
    assert several == SEVERAL

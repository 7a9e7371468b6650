"""CONTRIBUTING.md names files that exist, and an edge can be followed through a few of them."""

from __future__ import annotations

import re

from blocks import REPOSITORY

PAGE = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
FOLLOWED = PAGE.partition("**Follow one edge**")[2].partition("\n\n**")[0]
FILES = re.findall(r"^\| `([\w/.]+)` \|", FOLLOWED, re.MULTILINE)

MOST = 15
"""Files from the command to the adapter; with more of them the code is cut too finely."""


def test_every_file_that_it_names_exists() -> None:
    named = re.findall(r"`((?:legonet|tests|tools|docs|grammar)/[\w/.]+)`", PAGE)
    assert len(named) > MOST
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


def test_an_edge_is_followed_through_few_files() -> None:
    assert FILES[0] == "legonet/cli/commands/build.py"
    assert FILES[-1] == "legonet/building/storage/store.py"
    assert 10 <= len(FILES) <= MOST

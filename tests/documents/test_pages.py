"""Every code block of README.md and docs is true.

How a block is tried depends on its language:

- ``lego``: a spec without mistakes.
- ``console``: each line after ``$`` is run in the page's folder, where `animals.lego` is built if
  the page names it. It calls ``legonet`` and nothing else, succeeds, or fails where an error is
  shown, and prints what is shown.
- ``python``: run from top to bottom, all blocks of a page in one namespace, with ``pictures`` in
  it. A ``text`` block directly after it is what it prints.
- ``json`` and ``toml`` are read, ``sh`` has no mistake of syntax; ``text`` says nothing by itself.

An HTML comment directly before a block may say otherwise: ``file: NAME`` that it is a file
which the blocks after it find, ``wrong: CODE`` that a spec makes this mistake alone, ``excerpt``
that it is a part of one, and ``not run: WHY`` that a block cannot be run here.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import torch
from blocks import PAGES, REPOSITORY, Block, blocks_of, page_name
from kit.specs import build_of, write_spec
from kit.untrained import fill_store
from running import PROMPT, run_page, write_file

from legonet.diagnostics import SourceText
from legonet.graph import check_file
from legonet.syntax import format_text, parse

ANIMALS = """
let cut = "features.4"
data crops { source: digits() }

network base {
  model: legonet.small_vgg(classes: 10, channels: 4)
  train { data: crops, epochs: 1 }
}
network dog_net {
  model: legonet.small_vgg(classes: 1, channels: 4)
  init: base
  train { data: crops, category: "3", epochs: 1 }
}
network cat_net {
  model: legonet.small_vgg(classes: 1, channels: 4)
  init: base
  train { data: crops, category: "1", epochs: 1 }
}
category dog { from: dog_net, until: cut }
category cat { from: cat_net, until: cut }
task classify { from: dog_net, after: cut }

adapter dog -> classify
adapter cat -> classify { samples: 20 }
path pet_finder = cat -> classify
path pets = [dog, cat] -> classify
"""
"""Digits that have the names of the animals on the pages."""

BUILT = ("animals.lego", "specs/quickstart.lego")
"""Specs that are built where a page names one of them."""

LANGUAGES = {"lego", "console", "python", "text", "json", "toml", "sh", "lark"}
ELSEWHERE = {"docs/language.md", "docs/diagnostics.md"}
"""Pages whose ``lego`` blocks have tests of their own, as some of them are mistakes."""

NOT_RUN: dict[str, int] = {"README.md": 2, "docs/building.md": 1, "docs/results/README.md": 1}
"""How many blocks of each page are not run; the page says why."""

GOLDEN = REPOSITORY / "docs" / "diagnostics"
"""Pages of mistakes, which `tests/golden` tries."""

BLOCKS = [block for page in PAGES if page.parent != GOLDEN for block in blocks_of(page)]
RUN = {"console", "python"}


def of_language(*languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.language in languages and block.not_run is None]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `animals.lego` and the quickstart, and all that is built of them.

    The animals are trained; the quickstart, which takes longer, has random weights.
    """
    folder = tmp_path_factory.mktemp("built")
    assert not build_of(write_spec(folder, ANIMALS, "animals.lego")).failed
    quickstart = folder / "specs" / "quickstart.lego"
    quickstart.parent.mkdir()
    shutil.copy(REPOSITORY / "specs" / "quickstart.lego", quickstart)
    fill_store(quickstart, channels=32)
    return folder


@pytest.mark.parametrize(
    "page",
    dict.fromkeys(block.page for block in BLOCKS if block.language in RUN),
    ids=page_name,
)
@pytest.mark.filterwarnings("default")  # a program does not stop at a warning
@pytest.mark.xdist_group("pages")
def test_what_a_page_runs_does_what_the_page_says(
    page: Path,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blocks = blocks_of(page)
    if any(name in block.text for block in blocks for name in BUILT):
        shutil.copytree(request.getfixturevalue("built"), tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    run_page(blocks, {"pictures": torch.rand(2, 3, 16, 16)})


@pytest.mark.parametrize(
    "block",
    [block for block in of_language("lego") if page_name(block.page) not in ELSEWHERE],
    ids=lambda block: block.name,
)
def test_a_spec_has_the_mistakes_that_it_is_shown_for(block: Block, tmp_path: Path) -> None:
    if block.mark == "excerpt":
        assert parse(SourceText("", block.text)).diagnostics == ()
        return
    for other in blocks_of(block.page):
        if other.file is not None:
            write_file(other, tmp_path / other.file)
    spec = tmp_path / "spec.lego"
    spec.write_text(block.text, encoding="utf-8")
    codes = [item.code for item in check_file(spec)[1]]
    assert codes == ([block.wrong] if block.wrong else [])


@pytest.mark.parametrize(
    "block",
    [block for block in of_language("lego") if page_name(block.page) not in ELSEWHERE],
    ids=lambda block: block.name,
)
def test_a_spec_is_laid_out_as_fmt_does_it(block: Block) -> None:
    assert format_text(SourceText("", block.text)) == block.text


@pytest.mark.parametrize("block", of_language("json", "toml", "sh"), ids=lambda block: block.name)
def test_text_in_another_language_can_be_read(block: Block) -> None:
    match block.language:
        case "json":
            json.loads(block.text)
        case "toml":
            tomllib.loads(block.text)
        case "sh":
            subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)


def test_every_block_is_in_a_language_that_is_tried() -> None:
    assert [block.name for block in BLOCKS if block.language not in LANGUAGES] == []


def test_blocks_that_are_not_run_are_few_and_say_why() -> None:
    found = [block for block in BLOCKS if block.not_run is not None]
    for block in found:
        print(f"{block.name}: {block.not_run}")
        assert re.fullmatch(r"not run: \w.{8,}", block.mark), block.name
    counts = {page_name(block.page): 0 for block in found}
    for block in found:
        counts[page_name(block.page)] += 1
    assert counts == NOT_RUN


@pytest.mark.parametrize("block", of_language("console"), ids=lambda block: block.name)
def test_a_console_shows_commands(block: Block) -> None:
    assert block.text.startswith(PROMPT)


def headings(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for file, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", text):
        target = page.parent / file if file else page
        assert target.exists(), file
        assert not anchor or anchor in headings(target), f"{file}#{anchor}"


def test_the_index_names_every_page() -> None:
    index = REPOSITORY / "docs" / "README.md"
    linked = set(re.findall(r"\]\((?!https?:)([^)#]+)", index.read_text(encoding="utf-8")))
    docs = [*(index.parent).rglob("*.md"), *(index.parent).rglob("*.ipynb")]
    pages = {page.relative_to(index.parent).as_posix() for page in docs} - {"README.md"}
    assert pages <= linked

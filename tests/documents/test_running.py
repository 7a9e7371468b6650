"""A page whose blocks are not true fails its test."""

from __future__ import annotations

from pathlib import Path

import pytest
from blocks import REPOSITORY, Block, blocks_in
from running import run_page

PAGE = REPOSITORY / "docs" / "a page.md"


def blocks(text: str) -> list[Block]:
    return blocks_in(text, PAGE)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_blocks_are_found_with_their_lines_and_marks() -> None:
    first, second, third = blocks(
        "# Page\n\n<!-- file: a.lego, wrong: LEGO302 -->\n```lego\nlet a = 1\n```\n\n"
        "- list\n\n  <!-- not run: needs a GPU, or so -->\n  ```console\n  $ legonet\n  ```\n\n"
        "words\n\n```python\nprint(1)\n```\n\n```text\n1\n```\n"
    )[:3]
    assert (first.line, first.language, first.text) == (5, "lego", "let a = 1\n")
    assert (first.file, first.wrong, first.not_run) == ("a.lego", "LEGO302", None)
    assert (second.text, second.not_run) == ("$ legonet\n", "needs a GPU, or so")
    assert (third.text, third.shown, third.mark) == ("print(1)\n", "1\n", "")


def test_blocks_of_a_page_share_their_names_and_files() -> None:
    run_page(
        blocks(
            "<!-- file: folder/numbers.txt -->\n```text\n1\n2\n```\n\n"
            "```python\nfrom pathlib import Path\n\n"
            "numbers = Path('folder/numbers.txt').read_text()\n```\n\n"
            "```python\nprint(sum(map(int, numbers.split()), given))\n```\n\n```text\n13\n```\n"
        ),
        {"given": 10},
    )


def test_what_is_not_run_is_not_run() -> None:
    run_page(blocks("<!-- not run: needs a GPU -->\n```python\nraise OSError\n```\n"), {})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("```python\nprint(2)\n```\n\n```text\n1\n```\n", r"a page.md:2 prints:\n2\n"),
        ("```console\n$ legonet --version\nlegonet is not there\n```\n", "legonet --version"),
        ("```console\n$ legonet explain LEGO203\n$ legonet explain LEGO0\n```\n", "ended with"),
        ("```console\n$ legonet --version\nerror[LEGO203]: ...\n```\n", "ended with 0"),
        ("```console\n$ ls\n```\n", "`ls` is not legonet"),
        ("```console\nlegonet --version\n```\n", "expected `\\$ ` before"),
    ],
)
def test_what_is_not_true_is_reported(text: str, told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        run_page(blocks(text), {})


def test_an_error_in_python_is_at_the_line_of_the_page() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run_page(blocks("words\n\n```python\nvalue = 1\n\nvalue / 0\n```\n"), {})
    assert caught.traceback[-1].lineno == 6 - 1
    assert str(caught.traceback[-1].path).endswith("a page.md")


def test_a_command_that_fails_as_shown_is_true() -> None:
    Path("a.lego").write_text("network a {}\n", encoding="utf-8")
    run_page(blocks("```console\n$ legonet check a.lego\nerror[LEGO...]: ...\n...\n```\n"), {})

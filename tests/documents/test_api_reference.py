"""The page of the Python API, which tools/api_reference.py makes of docstrings, is of use."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from blocks import REPOSITORY, blocks_in

import legonet

PAGE = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
NAMES = sorted(set(legonet.__all__) - {"__version__"})


class Sum:
    """A sum of pictures.

    It stays as it is.

    Example:
        >>> total = load("a.lego")  # doctest: +SKIP
        >>> for part in [1, 2]:
        ...     print(part)
        1
        2

    Args:
        first: A picture, ``(3, H, W)``,
            of any size.
        *others: More | of them.
    """

    def __init__(self, first: float, *others: int, limit: object = iter) -> None: ...

    def __call__(self, factor: float = 1.5) -> float:
        """Return it.

        ====  =====
        a     table
        ====  =====
        x     y
        ====  =====

        Args:
            factor: Seconds.

        Returns:
            A number.

        Raises:
            ValueError: It
                has none.
        """
        return factor

    @property
    def size(self) -> int:
        """Pixels."""
        return 1

    def plain(self):
        return None

    def _hidden(self) -> None:
        """Hide."""


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(REPOSITORY / "tools"))
    import api_reference

    yield api_reference
    sys.modules.pop("api_reference", None)


@pytest.fixture
def page(tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(Sum, "__module__", "legonet.sum")
    monkeypatch.setattr(legonet, "Sum", Sum, raising=False)
    monkeypatch.setattr(legonet, "__all__", ["Sum", "__version__"])
    text: str = tool.api()
    return text


def test_what_a_docstring_says_stands_on_the_page(page: str) -> None:
    for said in (
        "## `legonet.Sum`\n\n`Sum(first, *others, limit=",
        "A sum of pictures.\n\nIt stays as it is.",
        "- `first` (`float`): A picture, `(3, H, W)`, of any size.",
        "- `*others` (`int`): More | of them.",
        "### `Sum.__call__`\n\n`__call__(factor=1.5) -> float`",
        "- `factor` (`float`): Seconds.",
        "Returns: A number.",
        "- `ValueError`: It has none.",
        "### `Sum.size`\n\n`size: int`\n\nPixels.",
    ):
        assert said in page
    assert "plain" not in page
    assert "hidden" not in page
    assert "::" not in page
    assert "doctest" not in page


def test_an_example_can_be_run_as_it_stands(page: str) -> None:
    examples = [block.text for block in blocks_in(page, REPOSITORY) if block.language == "python"]
    lines = ["from legonet import Sum", "", 'total = load("a.lego")']
    assert examples == ["\n".join([*lines, "for part in [1, 2]:", "    print(part)", ""])]


def test_a_table_stays_a_table(page: str) -> None:
    shown = [block.text for block in blocks_in(page, REPOSITORY) if block.language == "text"]
    assert shown == ["====  =====\na     table\n====  =====\nx     y\n====  =====\n"]


@pytest.mark.parametrize("name", NAMES)
def test_everything_that_is_offered_has_a_section(name: str) -> None:
    assert f"\n## `legonet.{name}`\n" in PAGE


def test_every_tensor_has_a_shape() -> None:
    tensors = re.findall(r"^- `\w+` \(`[^`]*Tensor[^`]*`\): .*$", PAGE, re.MULTILINE)
    assert len(tensors) >= 3
    assert [line for line in tensors if not re.search(r"\(N, [^)]*\)", line)] == []


def test_no_address_of_this_run_is_on_the_page() -> None:
    assert " at 0x" not in PAGE

"""The reference pages say what the language does, and each of their examples is true.

A ``lego`` block of ``docs/language.md`` is a spec without mistakes, laid out as ``legonet fmt``
does. A comment in front of it may say otherwise: ``wrong: CODE`` that it makes this mistake alone,
``excerpt`` that it goes on from the page's first example, ``file: NAME`` that the other blocks find
it under this name, and ``unformatted`` that its layout is another.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel

from legonet.data.sources.manifest import Manifest
from legonet.diagnostics import CODES, SourceText
from legonet.distill.starts import STARTS
from legonet.graph import check_file
from legonet.language import Override, load_spec
from legonet.language.base import Form
from legonet.language.bind import BLOCKS
from legonet.language.declarations import LAYERS, Recipe
from legonet.language.fields import fields_of
from legonet.language.methods import METHODS
from legonet.language.models import MODELS
from legonet.language.sources import SOURCES
from legonet.language.transforms import TRANSFORMS
from legonet.language.weights import WEIGHTS
from legonet.registry import Registry
from legonet.syntax import ast, format_text, parse, parse_value
from legonet.syntax.grammar import grammar_text

REPOSITORY = Path(__file__).resolve().parents[2]
LANGUAGE = (REPOSITORY / "docs" / "language.md").read_text(encoding="utf-8")
DIAGNOSTICS = (REPOSITORY / "docs" / "diagnostics.md").read_text(encoding="utf-8")

BLOCK = re.compile(r"^(?:<!-- ([^\n]+?) -->\n)?```lego\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = [(marks or "", text) for marks, text in BLOCK.findall(LANGUAGE)]
FIRST = EXAMPLES[0][1]
STATEMENTS = {*BLOCKS, "path", "import", "let", "for"}
FILES = {mark.removeprefix("file: "): text for mark, text in EXAMPLES if mark.startswith("file: ")}
KINDS: tuple[Registry[Any], ...] = (SOURCES, TRANSFORMS, MODELS, WEIGHTS, METHODS, LAYERS)
FORMS: tuple[type[Form], ...] = tuple(kind.get(name) for kind in KINDS for name in kind.own)


def whole(marks: str, text: str) -> str:
    return FIRST + text if "excerpt" in marks else text


WRONG = [
    (whole(marks, text), marks.split("wrong: ")[1]) for marks, text in EXAMPLES if "wrong" in marks
]
RIGHT = [whole(marks, text) for marks, text in EXAMPLES if "wrong" not in marks]


def part(page: str, name: str) -> str:
    found = re.search(rf"<!-- begin: {name} -->\n(.*?)<!-- end: {name} -->", page, re.DOTALL)
    assert found is not None
    return found[1]


def codes_of(text: str, folder: Path) -> list[str]:
    for name, other in FILES.items():
        (folder / name).write_text(other, encoding="utf-8")
    spec = folder / "spec.lego"
    spec.write_text(text, encoding="utf-8")
    return [item.code for item in check_file(spec)[1]]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The program of ``tools/reference``."""
    file = REPOSITORY / "tools" / "reference_pages.py"
    spec = importlib.util.spec_from_file_location("reference_pages", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(file.parent))
        spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["docs/language.md", "docs/diagnostics.md", "docs/api.md"])
def test_a_page_says_what_the_code_says(page: str, tool: ModuleType) -> None:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    assert tool.updated(text, tool.PAGES[page]) == text, "run tools/reference"


def test_a_page_without_one_of_its_parts_is_refused(tool: ModuleType) -> None:
    parts = {"limits": lambda: "", "words": lambda: ""}
    with pytest.raises(ValueError, match="found \\['limits'\\]"):
        tool.updated("<!-- begin: limits -->\n<!-- end: limits -->\n", parts)


def test_the_tool_tells_of_a_page_that_is_behind_and_mends_it(
    tool: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "docs").mkdir()
    for name in tool.PAGES:
        (tmp_path / name).write_text((REPOSITORY / name).read_text("utf-8"), encoding="utf-8")
    page = tmp_path / "docs" / "language.md"
    behind = LANGUAGE.replace("| `epochs` |", "| `rounds` |")
    page.write_text(behind, encoding="utf-8")
    monkeypatch.setattr(tool, "REPOSITORY", tmp_path)

    monkeypatch.setattr(sys, "argv", ["reference", "--check"])
    assert tool.main() == 1
    assert capsys.readouterr().out == "docs/language.md is out of date; run tools/reference\n"
    assert page.read_text(encoding="utf-8") == behind

    monkeypatch.setattr(sys, "argv", ["reference"])
    assert tool.main() == 0
    mended = page.read_text(encoding="utf-8")
    assert mended == tool.updated(LANGUAGE, tool.PAGES["docs/language.md"])


@pytest.mark.parametrize("text", RIGHT)
def test_an_example_is_right(text: str, tmp_path: Path) -> None:
    assert codes_of(text, tmp_path) == []


@pytest.mark.parametrize("text", [text for marks, text in EXAMPLES if "unformatted" not in marks])
def test_an_example_is_laid_out_as_fmt_does_it(text: str) -> None:
    assert format_text(SourceText("", text)) == text


@pytest.mark.parametrize(("text", "code"), WRONG)
def test_a_wrong_example_makes_the_mistake_that_it_is_shown_for(
    text: str, code: str, tmp_path: Path
) -> None:
    assert codes_of(text, tmp_path) == [code]


@pytest.mark.parametrize("name", sorted(CODES))
def test_a_long_text_has_no_example_but_a_wrong_and_a_right_one(name: str) -> None:
    snippets = BLOCK.findall(CODES[name].explanation)
    assert len(snippets) <= (2 if name[4] in "123" else 0), (
        "tests/diagnostics checks first and last"
    )


def test_every_statement_has_a_section_of_its_own() -> None:
    sections = re.findall(r"^## (\w+)$", LANGUAGE, re.MULTILINE)
    assert set(sections) >= STATEMENTS


def test_exactly_the_words_that_cannot_be_names_are_listed() -> None:
    candidates = set(re.findall(r"[a-z]+", grammar_text()))
    taken = {word for word in candidates if parse(SourceText("", f"let {word} = 1\n")).diagnostics}
    assert taken >= {*STATEMENTS, "true", "false"}
    assert set(re.findall(r"`(\w+)`", part(LANGUAGE, "words"))) == taken


def test_every_rule_and_token_of_the_grammar_leads_to_its_section() -> None:
    literal = re.compile(r'^[A-Z]+: +"([^"]+)"$', re.MULTILINE)
    words = set(literal.findall(grammar_text()))
    defined = re.findall(r"^\??(\w+)(?:\.-?\d+)?:", literal.sub("", grammar_text()), re.MULTILINE)
    prose = LANGUAGE.replace(part(LANGUAGE, "grammar"), "")
    rows = re.search(r"^\| in the grammar .*?\n\n", prose, re.MULTILINE | re.DOTALL)
    assert rows is not None
    named = [name for row in rows[0].splitlines()[2:] for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(defined)
    assert [word for word in words if not re.search(rf"`[^`]*{word}[^`]*`", prose)] == []


def blocks_of(statements: tuple[ast.Statement, ...]) -> Iterator[tuple[str, ast.Fields]]:
    for statement in statements:
        match statement:
            case ast.For():
                yield from blocks_of(statement.body)
            case ast.Block():
                yield statement.keyword, statement.fields
            case ast.Adapter(fields=ast.Fields()):
                yield "adapter", statement.fields


def shown() -> dict[str, set[str]]:
    """Return the fields and arguments that the right examples show, by block and form."""
    found: dict[str, set[str]] = {}

    def look(name: str, value: ast.Value | ast.Fields) -> None:
        match value:
            case ast.Fields():
                for field in value.fields:
                    found.setdefault(name, set()).add(field.name.text)
                    look(field.name.text, field.value)
            case ast.ListValue():
                for item in value.items:
                    look(name, item)
            case ast.Call():
                call = ".".join(word.text for word in value.function.words)
                form = next((form for form in FORMS if form.call == call), None)
                names = list(form.model_fields) if form else []
                for position, argument in enumerate(value.arguments):
                    taken = argument.name.text if argument.name else names[position]
                    found.setdefault(call, set()).add(taken)

    for text in RIGHT:
        for keyword, fields in blocks_of(parse(SourceText("", text)).ast.statements):
            look(keyword, fields)
    return found


@pytest.mark.parametrize(
    ("name", "model"),
    [*BLOCKS.items(), ("train", Recipe), *((form.call, form) for form in FORMS)],
)
def test_every_field_is_described_and_shown_in_an_example(
    name: str, model: type[BaseModel], tool: ModuleType
) -> None:
    section = name if name in (*BLOCKS, "train") else None
    described = part(LANGUAGE, section) if section else form_section(name)
    rows = [row.strip("| ").split(" | ") for row in described.splitlines() if row.startswith("| `")]
    assert [row[0] for row in rows] == [f"`{field}`" for field in fields_of(model)]
    assert all(len(row) == 4 for row in rows)
    assert set(fields_of(model)) - shown().get(name, set()) == set()


def form_section(call: str) -> str:
    found = re.search(rf"^#### `{re.escape(call)}`\n(.*?)(?=^#|\n<!--)", LANGUAGE, re.M | re.DOTALL)
    assert found is not None
    return found[1]


def test_every_start_is_explained() -> None:
    section = LANGUAGE.split("#### Starts\n")[1].split("\n## ")[0]
    explained = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert sorted(explained) == sorted(STARTS.own)


def test_the_sizes_of_the_sources_are_the_ones_that_it_names() -> None:
    sizes = {name: SOURCES.get(name).opens.default_size for name in SOURCES.own}
    named = {"digits": 16, "cifar10": 32, "cifar10_jpeg": 32}
    assert sizes == {name: named.get(name, 64) for name in sizes}
    assert "16 for `digits`, 32 for CIFAR-10, and 64 for the others" in part(LANGUAGE, "data")


@pytest.mark.parametrize(
    "text", re.findall(r"--set ('[^']+'|\S+)", LANGUAGE.split("```console")[1])
)
def test_every_override_that_it_shows_changes_its_example(text: str, tmp_path: Path) -> None:
    spec = tmp_path / "sevens.lego"
    spec.write_text(FIRST, encoding="utf-8")
    override = Override.parse(text.strip("'"))
    assert check_file(spec, [override])[1] == []
    assert load_spec(spec, [override]).spec != load_spec(spec).spec


@pytest.mark.parametrize(("text", "folder"), [("root=a#1", "a#1")])
def test_a_comment_sign_after_set_means_what_it_says(
    text: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert text in LANGUAGE
    monkeypatch.chdir(tmp_path)
    spec = tmp_path / "spec.lego"
    spec.write_text('let root = "data"\ndata pictures { source: manifest(root) }\n')
    source = load_spec(spec, [Override.parse(text)]).spec.data["pictures"].source
    assert source == Manifest(directory=tmp_path / folder)


@pytest.mark.parametrize(
    ("text", "is_value"),
    [("-2.5e4", True), ("1e-3", True), ("0.5", True)]
    + [(text, False) for text in (".5", "1.", "1_000")],
)
def test_numbers_are_what_it_says(text: str, is_value: bool) -> None:
    assert f"`{text}`" in LANGUAGE
    assert (parse_value(SourceText("", text)) is not None) == is_value


def test_every_code_that_a_page_names_exists() -> None:
    assert set(re.findall(r"LEGO\d+", LANGUAGE + DIAGNOSTICS)) == set(CODES)

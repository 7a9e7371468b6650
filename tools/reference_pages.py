"""Writes the parts of the reference pages that the code knows.

A page holds such a part between ``<!-- begin: NAME -->`` and ``<!-- end: NAME -->``. The meaning of
blocks, forms and fields is what their docstrings say.
"""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import api_reference
from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from legonet.building.execution.executor import EXECUTORS
from legonet.diagnostics import CODES, codes
from legonet.distill.starts import STARTS
from legonet.goals import GOALS
from legonet.language import expand, growth
from legonet.language.base import Form
from legonet.language.bind import BLOCKS
from legonet.language.declarations import LAYERS, Adapter, Conv, Data, Recipe, noun_of
from legonet.language.declarations import Path as Application
from legonet.language.fields import FieldType, fields_of
from legonet.language.inputs import Input
from legonet.language.markers import Choice, Forms, Label, Named
from legonet.language.methods import METHODS
from legonet.language.models import MODELS
from legonet.language.sources import SOURCES
from legonet.language.transforms import TRANSFORMS
from legonet.language.weights import WEIGHTS, Loading
from legonet.registry import Registry
from legonet.syntax import read
from legonet.syntax.grammar import grammar_text
from legonet.syntax.limits import (
    DEEPEST_NESTING,
    LONGEST_NAME,
    LONGEST_NUMBER,
    MOST_MISTAKES,
)

REPOSITORY = Path(__file__).resolve().parents[1]

STAGES = (
    codes.syntax,
    codes.spec,
    codes.graph,
    codes.data,
    codes.modules,
    codes.distill,
    codes.build,
    codes.editing,
    codes.network,
    codes.render,
)

_ARGUMENT = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)
_PART = re.compile(r"(<!-- begin: (.+?) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)
_BOUNDS = {
    Ge: ("at least", "ge"),
    Gt: ("above", "gt"),
    Le: ("at most", "le"),
    Lt: ("below", "lt"),
    MinLen: ("at least", "min_length"),
}


def summary_of(model: type[BaseModel]) -> str:
    """Return what a docstring says above its arguments."""
    return _markdown((inspect.getdoc(model) or "").partition("\n\nArgs:\n")[0])


def meanings_of(model: type[BaseModel]) -> dict[str, str]:
    """Return what the docstrings of a model and of those that it extends say of each field."""
    meanings: dict[str, str] = {}
    for part in reversed(model.__mro__):
        arguments = inspect.cleandoc(part.__doc__ or "").partition("Args:\n")[2]
        for name, text in _ARGUMENT.findall(arguments):
            meanings[name] = _markdown(" ".join(text.split()))
    return meanings


def _markdown(text: str) -> str:
    linked = re.sub(r"LEGO\d+", lambda code: _code(code[0]), text)
    return linked.replace("``", "`").replace("|", "\\|")


def _code(name: str) -> str:
    return f"[{name}](diagnostics.md#{name.lower()})"


def fields(model: type[BaseModel]) -> str:
    """Return the table of a block's fields or of a form's arguments.

    Raises:
        ValueError: A docstring does not say what one of them means.
    """
    word = "argument" if issubclass(model, Form) else "field"
    meanings = meanings_of(model)
    rows = []
    for name, field in fields_of(model).items():
        if field.name not in meanings:
            raise ValueError(f"the docstring of {model.__name__} does not say what {name} means")
        info = model.model_fields[field.name]
        rows.append((f"`{name}`", taken(info, field), default(info), meanings[field.name]))
    return table((word, "takes", "default", "meaning"), rows)


def taken(info: FieldInfo, field: FieldType) -> str:
    """Return what a field takes."""
    is_list = get_origin(info.annotation) is tuple
    bounds = [_bound(item) for item in info.metadata if type(item) in _BOUNDS]
    return ", ".join([("list of " if is_list else "") + _one(info, field, is_list), *bounds])


def _one(info: FieldInfo, field: FieldType, is_list: bool) -> str:
    if field.block is not None:
        return f"[block](#{field.name})"
    match field.marker:
        case Named(kind):
            return f"name of a [{noun_of(kind)}](#{kind})"
        case Label():
            several = any(get_origin(part) is tuple for part in _inside(info.annotation))
            return "list of words or strings" if several else "word or string"
        case Choice(noun):
            return f"[{noun}](#{noun}s)"
        case Forms(noun):
            word = noun.split()[-1]
            section = word.removesuffix("s") + "s"
            return f"[{section if is_list else word}](#{section})"
    choices = _choices(info.annotation)
    if choices:
        return _listed(choices)
    if field.path:
        return "path in quotes"
    types = set(_inside(info.annotation))
    if {int, str} <= types:
        return "string or whole number"
    return "whole number" if int in types else field.expected.removeprefix("a ")


def _inside(annotation: Any) -> Iterator[Any]:
    """Yield a type and all that it is made of."""
    yield annotation
    for part in get_args(annotation):
        yield from _inside(part)


def _choices(annotation: Any) -> list[str]:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [written(choice.value) for choice in annotation]
    if get_origin(annotation) is Literal:
        return [written(choice) for choice in get_args(annotation)]
    # A choice that may be left out is a union with None.
    return [choice for part in get_args(annotation) for choice in _choices(part)]


def _listed(items: list[str]) -> str:
    return ", ".join(items[:-1]) + " or " + items[-1]


def _bound(bound: Any) -> str:
    words, attribute = _BOUNDS[type(bound)]
    return f"{words} {getattr(bound, attribute)}"


def default(info: FieldInfo) -> str:
    """Return the value that a field has where it is not written."""
    if info.is_required():
        return "**required**"
    value = info.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if isinstance(value, tuple):
        # Layers are kept as the sizes of their kernels.
        shown = (f"{Conv.call}({item})" if isinstance(item, int) else str(item) for item in value)
        return f"`[{', '.join(shown)}]`"
    return written(value)


def written(value: object) -> str:
    """Return a value as a spec writes it; a word of the language has no quotes."""
    match value:
        case Form():
            return f"`{value.call}()`"
        case bool():
            return f"`{str(value).lower()}`"
        case str() if not value.isidentifier():
            return f'`"{value}"`'
    return f"`{value}`"


def forms(kind: Registry[Any]) -> str:
    """Return a section for each of legonet's own forms: its name, what it is, its arguments."""
    return "\n\n".join(form(kind.get(name)) for name in kind.own)


def form(model: type[Form]) -> str:
    """Return the section of a form."""
    arguments = fields(model) if model.model_fields else "It takes no arguments."
    return f"#### `{model.call}`\n\n{summary_of(model)}\n\n{arguments}"


def named(kind: Registry[Any], heads: tuple[str, str]) -> str:
    """Return the table of what a word can name: the first paragraph that each says of itself."""
    kinds = {name: summary_of(kind.get(name)) for name in kind.own}
    rows = [(f"`{name}`", " ".join(said.split("\n\n")[0].split())) for name, said in kinds.items()]
    return table(heads, rows)


def declarations() -> str:
    """Return the table of the statements that declare something."""
    makes: dict[str, type[BaseModel]] = {**BLOCKS, "adapter": Adapter, "path": Application}
    others = {"adapter": "CATEGORY -> TASK { .. }", "path": "NAME = CATEGORY -> TASK"}
    rows = [
        (f"[`{kind} {others.get(kind, 'NAME { .. }')}`](#{kind})", summary_of(model))
        for kind, model in makes.items()
    ]
    return table(("statement", "declares"), rows)


def words() -> str:
    """Return the words that cannot be names."""
    rules = re.sub(r"//.*", "", grammar_text())
    reserved = set(re.findall(r'"([a-z]+)"', rules))
    for alternatives in re.findall(r"\(([a-z]+(?:\|[a-z]+)+)\)", rules):
        reserved.update(alternatives.split("|"))
    return ", ".join(f"`{word}`" for word in sorted(reserved)) + "."


def limits() -> str:
    """Return the table of what is refused for its size."""
    grown = (
        "statements and values, with loops, constants and imports worked in; each"
        f" {growth.CHARACTERS_A_VALUE} characters of a string count as one"
    )
    rows = [
        ("bytes of a file", read.LONGEST_TEXT, "LEGO103"),
        ("brackets, braces and parentheses inside each other", DEEPEST_NESTING, "LEGO106"),
        ("characters of a name", LONGEST_NAME, "LEGO107"),
        ("characters of a number", LONGEST_NUMBER, "LEGO107"),
        ("syntax errors that are reported", MOST_MISTAKES, "LEGO109"),
        ("files that import each other in a row", expand.DEEPEST_IMPORTS, "LEGO215"),
        (grown, growth.MOST_VALUES, "LEGO215"),
    ]
    shown = [(what, f"{most:,}", _code(code)) for what, most, code in rows]
    return table(("what", "at most", "diagnostic"), shown)


def grammar() -> str:
    """Return the grammar's text."""
    return f"```lark\n{grammar_text().rstrip()}\n```"


def executors() -> str:
    """Return the table of the executors."""
    rows = []
    for name in EXECUTORS.names:
        kind = EXECUTORS.get(name)
        wanted = ", ".join(f"`pip install '{item}'`" for item in kind.requires.values())
        usual = ", ".join(f"`{device}`" for device in kind.default_on)
        rows.append((f"`{name}`", kind.summary, usual, wanted))
    return table(("executor", "runs steps in", "default on", "needs"), rows)


def index() -> str:
    """Return the table of all diagnostics."""
    rows = [(f"[{name}](#{name.lower()})", code.title) for name, code in sorted(CODES.items())]
    return table(("code", "title"), rows)


def explanations() -> str:
    """Return the long texts of all diagnostics, by stage."""
    parts = []
    for stage in STAGES:
        words = str(stage.__doc__).removeprefix("Diagnostic codes of ").rstrip(".")
        hundreds = stage.CODES[0].name.removeprefix("LEGO")[0]
        parts.append(f"## {hundreds}xx: {words}")
        for code in sorted(stage.CODES, key=lambda code: code.name):
            parts += [f"### {code.name}", f"**{code.title}**", code.explanation.strip()]
    return "\n\n".join(parts)


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


PAGES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "docs/language.md": {
        "declarations": declarations,
        "words": words,
        "data": lambda: fields(Data),
        "sources": lambda: forms(SOURCES),
        "transforms": lambda: forms(TRANSFORMS),
        "network": lambda: fields(BLOCKS["network"]),
        "models": lambda: forms(MODELS),
        "weights": lambda: forms(WEIGHTS),
        "loading": lambda: fields(Loading),
        "input": lambda: fields(Input),
        "train": lambda: fields(Recipe),
        "category": lambda: fields(BLOCKS["category"]),
        "task": lambda: fields(BLOCKS["task"]),
        "adapter": lambda: fields(BLOCKS["adapter"]),
        "layers": lambda: forms(LAYERS),
        "methods": lambda: forms(METHODS),
        "starts": lambda: named(STARTS, ("start", "the adapter begins as")),
        "goals": lambda: named(GOALS, ("goal", "the network gives")),
        "limits": limits,
        "grammar": grammar,
    },
    "docs/building.md": {"executors": executors},
    "docs/diagnostics.md": {"index": index, "explanations": explanations},
    "docs/api.md": {"api": api_reference.api, "returned": api_reference.returned},
}
"""The parts of each page."""


def updated(text: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """Return a page with its parts written again.

    Args:
        text: The page.
        parts: What gives each part.

    Raises:
        ValueError: The page has other parts than these.
    """
    found = [name for _, name, _ in _PART.findall(text)]
    if sorted(found) != sorted(parts):
        raise ValueError(f"expected the parts {sorted(parts)}, found {sorted(found)}")
    return _PART.sub(lambda part: f"{part[1]}{parts[part[2]]()}\n{part[3]}", text)


def main() -> int:
    """Write the pages, or with ``--check`` return 1 if one is out of date."""
    parser = argparse.ArgumentParser(
        prog="tools/reference", description="Write what the code knows into the reference pages."
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 if a page is out of date"
    )
    only_check = parser.parse_args().check
    outdated = False
    for name, parts in PAGES.items():
        page = REPOSITORY / name
        text = page.read_text(encoding="utf-8")
        new = updated(text, parts)
        if new == text:
            continue
        outdated = True
        if only_check:
            print(f"{name} is out of date; run tools/reference")
        else:
            page.write_text(new, encoding="utf-8")
            print(f"wrote {name}")
    return int(only_check and outdated)


if __name__ == "__main__":
    raise SystemExit(main())

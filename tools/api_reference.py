"""Writes the page of the Python API from docstrings in Google's style."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import cached_property
from importlib import import_module
from typing import Any

import legonet

SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises", "Example")
LISTED = {"Args": "Arguments", "Attributes": "Attributes", "Raises": "Raises"}

NO_TYPES: Mapping[str, str] = {}

_SECTION = re.compile(rf"^({'|'.join(SECTIONS)}):\n((?:    .*\n|\n)+)", re.MULTILINE)
_ENTRY = re.compile(r"^(\*{0,2}[\w.]+): (.+(?:\n {4}.+)*)", re.MULTILINE)
_TABLE = re.compile(r"^=+(?: +=+)+\n(?:.+\n)+?=+(?: +=+)+\n(?:.+\n)+?=+(?: +=+)+$", re.MULTILINE)


RETURNED = (
    "legonet.network.Connection",
    "legonet.network.prediction.Prediction",
    "legonet.network.route.Route",
)
"""What the functions of the API return, besides what ``import legonet`` offers itself."""


def api() -> str:
    """Return a section for everything that ``import legonet`` offers."""
    names = sorted(set(legonet.__all__) - {"__version__"}, key=str.lower)
    return "\n\n".join(_exported(name) for name in names)


def returned() -> str:
    """Return a section for each type that is met without being asked for by name."""
    found = []
    for path in RETURNED:
        home, _, name = path.rpartition(".")
        found += _class(f"## `{path}`", name, getattr(import_module(home), name))
    return "\n\n".join(found)


def _exported(name: str) -> str:
    found = getattr(legonet, name)
    if inspect.isclass(found):
        return "\n\n".join(_class(f"## `legonet.{name}`", name, found))
    return _callable(f"## `legonet.{name}`", name, found, name)


def _class(title: str, name: str, found: type) -> Iterator[str]:
    yield _callable(title, name, found, name)
    for member, value in _members(found):
        head = f"### `{name}.{member}`"
        if isinstance(value, property | cached_property):
            getter = value.fget if isinstance(value, property) else value.func
            returned = _shown(inspect.signature(getter).return_annotation)
            yield f"{head}\n\n`{member}: {returned}`\n\n{_text(inspect.getdoc(value), name)}"
        else:
            function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            yield _callable(head, member, function, name)


def _members(found: type) -> Iterator[tuple[str, Any]]:
    """Yield what a class and its own bases define for others, and say something of."""
    seen = set()
    for part in found.__mro__:
        if not part.__module__.startswith("legonet"):
            continue
        for name, value in vars(part).items():
            public = not name.startswith("_") or name == "__call__"
            described = isinstance(
                value, property | cached_property | classmethod | staticmethod
            ) or inspect.isfunction(value)
            if public and described and name not in seen and inspect.getdoc(value):
                seen.add(name)
                yield name, value


def _callable(head: str, name: str, function: Callable[..., Any], exported: str) -> str:
    signature = inspect.signature(function)
    types = {name: _shown(item.annotation) for name, item in signature.parameters.items()}
    text = _text(inspect.getdoc(function), exported, types)
    shown = _signature(signature, returns=not inspect.isclass(function))
    return f"{head}\n\n`{name}{shown}`\n\n{text}"


def _signature(signature: inspect.Signature, *, returns: bool) -> str:
    """Return a signature without types, which are given with the arguments' meanings."""
    parts = [
        item.replace(annotation=inspect.Parameter.empty, default=_default(item.default))
        for item in signature.parameters.values()
        if item.name not in ("self", "cls")
    ]
    shown = str(inspect.Signature(parts))
    returned = _shown(signature.return_annotation)
    return f"{shown} -> {returned}" if returns and returned else shown


class _Named:
    """A default value that shows as a name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


def _default(value: Any) -> Any:
    if isinstance(value, Enum):
        return _Named(str(value.value))
    return _Named(value.__name__) if inspect.isfunction(value) else value


def _shown(annotation: Any) -> str:
    if annotation is inspect.Signature.empty:
        return ""
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _text(docstring: str | None, exported: str, types: Mapping[str, str] = NO_TYPES) -> str:
    """Return a docstring as Markdown, its arguments with their types."""
    text = f"{docstring or ''}\n"
    parts = {}
    for name, body in _SECTION.findall(text):
        parts[name] = textwrap.dedent(body)
    prose = _TABLE.sub(lambda table: f"```text\n{table[0]}\n```", _SECTION.sub("", text))
    shown = [_markdown(prose.strip())]
    for name, body in parts.items():
        if name == "Example":
            shown.append(_example(body, exported))
        elif name in LISTED:
            entries = _ENTRY.findall(body)
            rows = (f"- {_head(what, types)}: {' '.join(said.split())}" for what, said in entries)
            shown.append(f"{LISTED[name]}:\n\n" + _markdown("\n".join(rows)))
        else:
            shown.append(_markdown(f"{name}: {' '.join(body.split())}"))
    return "\n\n".join(shown)


def _head(name: str, types: Mapping[str, str]) -> str:
    annotation = types.get(name.lstrip("*"))
    return f"`{name}` (`{annotation}`)" if annotation else f"`{name}`"


def _markdown(text: str) -> str:
    return re.sub(r"(?<!`)``(?!`)", "`", text)


def _example(text: str, exported: str) -> str:
    """Return the statements of an example, which begins without its import."""
    lines = [line[4:] for line in text.splitlines() if line.startswith((">>> ", "... "))]
    bare = [line.partition("  # doctest:")[0] for line in lines]
    qualified = any("legonet." in line for line in bare)
    header = "import legonet" if qualified else f"from legonet import {exported}"
    return "\n".join(["```python", header, "", *bare, "```"])

"""Turns values back into text: what a field holds, as it is written in a file."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import BaseModel

from legonet.diagnostics import DiagnosticError, SourceText, shortened
from legonet.language.base import Call, Form, Frozen
from legonet.language.fields import FieldType, fields_of
from legonet.language.markers import AnyCall, Forms, Label, Named
from legonet.language.models import LibraryModel
from legonet.language.spec import PARTS
from legonet.language.values import Called, Located, Symbol
from legonet.language.weights import WeightsFile
from legonet.syntax import ast, parse_value

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
KEYWORDS = frozenset((*PARTS, "import", "as", "let", "for", "in", "true", "false"))
"""The reserved words of the language, which cannot be names."""

Written: TypeAlias = Mapping[str, "str | Written"]
"""The fields of a block as text; those of nested blocks are mappings in turn."""

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"})


class Writer:
    """Writes values as they appear in one file.

    Args:
        folder: The folder of the file; paths below it are written relative to it.
        prefix: The aliases before the names that the file declares, if it is imported.
        constants: Names that refer to constants in the file, and so do not mean themselves.
    """

    def __init__(self, folder: Path, prefix: str = "", constants: Container[str] = ()) -> None:
        self._folder = folder
        self._prefix = prefix
        self._constants = constants

    def fields(self, block: BaseModel) -> dict[str, str | Written]:
        """Return a block's fields that differ from their defaults."""
        return {
            name: self.field(value, field)
            for name, field in fields_of(type(block)).items()
            if (value := getattr(block, field.name)) != _default(type(block), field)
        }

    def field(self, value: object, field: FieldType) -> str | Written:
        """Return the text of a field's value, or of the fields in its block.

        Raises:
            DiagnosticError: The language cannot express this value (``LEGO728``), or a name in it
                cannot be written in this file (``LEGO721``).
        """
        if field.block is not None and isinstance(value, field.block):
            return self.fields(value)
        if isinstance(value, Mapping):
            return self.given(field.block, value)
        return self.value(value, field)

    def given(
        self, block: type[BaseModel] | None, values: Mapping[str, object]
    ) -> dict[str, str | Written]:
        """Return fields that came from Python as text, without checking what that text says.

        Args:
            block: The model of the fields, if there is one.
            values: By the names of the fields in a spec or in Python. A string is the text of a
                value where the field takes a call, and a plain string everywhere else.

        Raises:
            DiagnosticError: The language cannot express such a value (``LEGO728``).
        """
        types = {} if block is None else fields_of(block)
        names = {field.name: name for name, field in types.items()}
        return {
            names.get(name, name): self.field(value, types.get(names.get(name, name), _ANYTHING))
            for name, value in values.items()
        }

    def value(self, value: object, field: FieldType) -> str:
        """Return the text of a value that is not a block; see `field`."""
        marker = field.marker
        match value:
            case bool():
                return str(value).lower()
            case Enum():
                return self._word(str(value.value))
            case int() if isinstance(marker, Forms):
                return f"{marker.forms.names[0]}({value})"
            case int():
                return str(value)
            case float() if math.isfinite(value):
                return repr(value)
            case Path():
                return quoted(self._path(value))
            case WeightsFile():
                return quoted(self._path(value.file))
            case LibraryModel():
                return self._call(value.call, value.arguments)
            case Call():
                return self._call(value.name, value.arguments)
            case Form():
                return self._form(value)
            case str():
                return self._text(value, field)
            case Sequence() if not isinstance(value, bytes | bytearray):
                return f"[{', '.join(self.value(item, field) for item in value)}]"
        raise DiagnosticError.of(
            "LEGO728",
            f"{f'`{field.name}`' if field.name else 'a field'} takes a value of the language,"
            f" found {shortened(repr(value))} of type {type(value).__name__}",
            help=["give a string, a number, a truth value, a list or a form of legonet.language"],
        )

    def name(self, name: str) -> str:
        """Return a full name as it is written in the file.

        Raises:
            DiagnosticError: The file is imported under a name that does not lead there
                (``LEGO721``).
        """
        if not self._prefix:
            return name
        if not name.startswith(f"{self._prefix}."):
            raise DiagnosticError.of(
                "LEGO721",
                f"a file that is imported as `{self._prefix}` has no word for `{name}`",
                help=[f"name something of the same file, such as `{self._prefix}.NAME`"],
            )
        return name.removeprefix(f"{self._prefix}.")

    def _text(self, value: str, field: FieldType) -> str:
        match field.marker:
            case Named() if all(map(_is_name, value.split("."))):
                return self.name(value)
            case Label():
                return self._word(value)
            case Forms() as marker if _is_value(value, call=marker.text is not None):
                return value
        return self._word(value) if field.words else quoted(value)

    def _word(self, word: str) -> str:
        return word if _is_name(word) and word not in self._constants else quoted(word)

    def _path(self, path: Path) -> str:
        below = path.is_relative_to(self._folder)
        return (path.relative_to(self._folder) if below else path).as_posix()

    def _plain(self, value: object) -> str:
        return self.value(value, _ANYTHING)

    def _call(self, name: str, arguments: Mapping[str, object]) -> str:
        items = (f"{argument}: {self._plain(item)}" for argument, item in arguments.items())
        return f"{name}({', '.join(items)})"

    def _form(self, form: Form) -> str:
        types = fields_of(type(form))
        values = {types[name].name: name for name in types}
        arguments: list[str] = []
        bare = True
        for position, (own, value) in enumerate(_arguments(form).items()):
            name = values[own]
            text = self.value(value, types[name])
            takes_call = isinstance(types[name].marker, AnyCall)
            first = not position and _goes_first(types[name])
            bare = bare and own == list(values)[position] and (first or takes_call)
            arguments.append(text if bare else f"{name}: {text}")
        return f"{form.call}({', '.join(arguments)})"


def quoted(text: str) -> str:
    """Return a string of the language."""
    return '"' + text.translate(_ESCAPES).replace("${", "\\${") + '"'


def located_text(located: Located) -> str:
    """Return an evaluated value as it would be written without constants."""
    match located.value:
        case bool() as value:
            return str(value).lower()
        case Symbol() as value:
            return str(value)
        case str() as value:
            return quoted(value)
        case Called(name, _, arguments):
            items = (
                f"{item.name}: {located_text(item.value)}"
                if item.name
                else located_text(item.value)
                for item in arguments
            )
            return f"{name}({', '.join(items)})"
        case tuple() as values:
            return f"[{', '.join(map(located_text, values))}]"
        case value:
            return repr(value)


def laid_out(head: str, fields: Written | None) -> str:
    """Return a statement's text, with one field per line.

    Args:
        head: What comes before the brace, such as ``network cat_net``.
        fields: The fields; None for a statement without a body.
    """
    if fields is None:
        return head
    if not fields:
        return f"{head} {{}}"
    lines = (f"  {field_text(name, value)}\n" for name, value in fields.items())
    return f"{head} {{\n{''.join(lines)}}}"


def field_text(name: str, value: str | Written) -> str:
    """Return a field on one line."""
    if isinstance(value, str):
        return f"{name}: {value}"
    inside = ", ".join(field_text(*item) for item in value.items())
    return f"{name} {{ {inside} }}" if inside else f"{name} {{}}"


_ANYTHING = FieldType("", False, None, None, False, False, "a value")


def _is_name(word: str) -> bool:
    return NAME.fullmatch(word) is not None and word not in KEYWORDS


def _is_value(text: str, *, call: bool) -> bool:
    """Whether a text is a value of the language: a list of values, a name or a call."""
    if "\n" in text:
        return False
    node = parse_value(SourceText("", text))
    kinds = ast.Call if call else ast.Call | ast.ListValue | ast.Reference
    return isinstance(node, kinds) and node.span.end == len(text.rstrip())


def _goes_first(field: FieldType) -> bool:
    """Whether a form's first field is written without its name: a place, not an option."""
    return field.required and (field.path or field.expected == "a string")


def _default(model: type[BaseModel], field: FieldType) -> object:
    return model.model_fields[field.name].get_default(call_default_factory=True)


def _arguments(form: Form) -> dict[str, Any]:
    """Return the smallest set of arguments that makes a form."""
    model = type(form)
    whole = {field.name: getattr(form, field.name) for field in fields_of(model).values()}
    makes = partial(_makes, form)
    fewest = min(filter(makes, _choices(form, whole)), key=len, default=whole)
    return {name: value for name, value in fewest.items() if value is not None}


def _makes(form: Frozen, arguments: Mapping[str, Any]) -> bool:
    return type(form).model_validate(dict(arguments)) == form


def _choices(form: Form, whole: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield arguments that may make a form: those that differ from the defaults or a preset."""
    defaults = {field.name: _default(type(form), field) for field in fields_of(type(form)).values()}
    yield {name: value for name, value in whole.items() if value != defaults[name]}
    for name, preset in form.presets.items():
        others = {**defaults, **preset}
        yield {
            "preset": name,
            **{item: value for item, value in whole.items() if value != others[item]},
        }

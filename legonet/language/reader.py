"""Turns a block's fields into a frozen, typed value, with a diagnostic for every mistake."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from legonet.diagnostics import Diagnostic
from legonet.language.base import Call
from legonet.language.declarations import noun_of
from legonet.language.fields import FieldType, fields_of
from legonet.language.library import library_models
from legonet.language.markers import AnyCall, Forms, Label, Named
from legonet.language.messages import explain
from legonet.language.mistakes import (
    form_names,
    misplaced,
    missing,
    too_many,
    unknown_form,
    word_for,
)
from legonet.language.models import LibraryModel
from legonet.language.values import (
    Argument,
    Body,
    Called,
    Located,
    PlacedField,
    Plain,
    Symbol,
    Text,
    as_text,
    describe,
)
from legonet.registry import UnusableError

Model = TypeVar("Model", bound=BaseModel)


class _MistakeError(Exception):
    """Carries a value's diagnostic to the field that holds it; None if it is already reported."""

    def __init__(self, diagnostic: Diagnostic | None) -> None:
        super().__init__()
        self.diagnostic = diagnostic


class Reader:
    """Reads blocks and forms, and collects the mistakes.

    Args:
        resolve: Returns the full name of a statement or a ``constant``, given its kind and the
            name as written, or a diagnostic.
        report: Called with each diagnostic.
    """

    def __init__(
        self,
        resolve: Callable[[str, Located], str | Diagnostic],
        report: Callable[[Diagnostic], None],
    ) -> None:
        self._resolve = resolve
        self._report = report

    def block(
        self, model: type[Model], body: Body, noun: str, *, whole: bool = True
    ) -> Model | None:
        """Read a block's fields; None if a mistake was reported.

        Args:
            model: The model to build from them.
            body: The fields.
            noun: What messages call the block, such as ``network``.
            whole: Whether to report missing fields; false if a syntax error in the block may have
                swallowed them.
        """
        fields = fields_of(model)
        values: dict[str, Any] = {}
        places: dict[str, Located | Body] = {}
        sound = True
        for item in body.fields:
            mistake = misplaced(item, fields, places, noun, word_for(model))
            if mistake is not None:
                self._report(mistake)
                sound = False
                continue
            field = fields[item.name]
            places[item.name] = item.value
            read = self._field(item, field, noun, whole=whole)
            if read is None:
                sound = False
            else:
                values[field.name] = read
        absent = [name for name, field in fields.items() if field.required and name not in places]
        misspelled = [item.name for item in body.fields if item.name not in fields]
        unseen = [name for name in absent if not get_close_matches(name, misspelled, cutoff=0.6)]
        if unseen and whole:
            self._report(missing(unseen, body.span, noun, word_for(model)))
        built = self._build(model, values, {fields[key].name: at for key, at in places.items()})
        return None if absent or not sound else built

    def _field(self, item: PlacedField, field: FieldType, noun: str, *, whole: bool) -> Any:
        if isinstance(item.value, Body):
            if field.block is None:
                self._report(
                    Diagnostic(
                        "LEGO206",
                        f"`{item.name}` takes a value, found a block",
                        item.name_span,
                        f"expected `{item.name}: ..`",
                    )
                )
                return None
            return self.block(field.block, item.value, item.name, whole=whole)
        if field.block is not None:
            self._report(
                Diagnostic(
                    "LEGO206",
                    f"`{item.name}` takes a block, found {describe(item.value.value)}",
                    item.value.span,
                    f"expected `{item.name} {{ .. }}`",
                )
            )
            return None
        try:
            return self._value(item.value, field, f"`{item.name}` in `{noun}`")
        except _MistakeError as mistake:
            self._tell(mistake)
            return None

    def _value(self, located: Located, field: FieldType, where: str) -> Any:
        """Return a plain value for pydantic, with names resolved and forms read."""
        match field.marker:
            case Forms() as marker:
                return self._each(located, partial(self._form, marker=marker, where=where))
            case Named() as marker:
                return self._name(located, marker)
            case AnyCall():
                return self._call(located, where)
            case Label():
                return self._each(located, partial(self._label, field=field, where=where))
        return self._each(located, partial(self._scalar, field=field, where=where))

    def _label(self, located: Located, field: FieldType, where: str) -> Any:
        if isinstance(located.value, Symbol | Text):
            return str(located.value)
        return self._scalar(located, field, where)

    def _each(self, located: Located, read: Callable[[Located], Any]) -> Any:
        if not isinstance(located.value, tuple):
            return read(located)
        values: list[Any] = []
        for item in located.value:
            try:
                values.append(read(item))
            except _MistakeError as mistake:
                self._tell(mistake)
        if len(values) < len(located.value):
            raise _MistakeError(None)
        return tuple(values)

    def _tell(self, mistake: _MistakeError) -> None:
        if mistake.diagnostic is not None:
            self._report(mistake.diagnostic)

    def _scalar(self, located: Located, field: FieldType, where: str) -> Any:
        if not field.words:
            located = as_text(located)
        value = located.value
        if isinstance(value, Called):
            message = f"{where} takes {field.expected}, found {describe(value)}"
            raise _wrong(message, located, f"expected {field.expected}")
        if isinstance(value, Symbol) and not field.words:
            if not isinstance(self._resolve("constant", located), Diagnostic):
                raise _MistakeError(None)  # a mistake in its `let` is already reported
            raise _MistakeError(
                Diagnostic(
                    "LEGO207",
                    f"unknown name `{value}`",
                    located.span,
                    f"{where} takes {field.expected}",
                    ("put a string in quotes, or define a constant with `let`",),
                )
            )
        if isinstance(value, Text) and field.path:
            return value.base / value
        return str(value) if isinstance(value, str) else value

    def _name(self, located: Located, marker: Named) -> str:
        if not isinstance(located.value, Symbol):
            raise _MistakeError(
                Diagnostic(
                    "LEGO206",
                    f"expected the name of a {noun_of(marker.kind)},"
                    f" found {describe(located.value)}",
                    located.span,
                    f"expected the name of a {noun_of(marker.kind)}",
                    ("write a name without quotes",) if isinstance(located.value, Text) else (),
                )
            )
        resolved = self._resolve(marker.kind, located)
        if isinstance(resolved, Diagnostic):
            raise _MistakeError(resolved)
        return resolved

    def _call(self, located: Located, where: str) -> Call:
        value = located.value
        if not isinstance(value, Called):
            name = value if isinstance(value, Symbol | Text) and value.isidentifier() else "NAME"
            message = f"{where} takes a call, found {describe(value)}"
            raise _wrong(message, located, f"expected a call, such as `{name}()`")
        return Call(name=value.name, arguments=self._plain_arguments(value))

    def _form(self, located: Located, marker: Forms, where: str) -> Any:
        if marker.text is not None and located.value not in form_names(marker):
            located = as_text(located)
        value = located.value
        if isinstance(value, Text) and marker.text is not None:
            try:
                return marker.text.of_text(value, value.base)
            except ValueError as error:
                message = (
                    f"{where} takes the hub's weights with a revision, found {describe(value)}"
                )
                raise _wrong(message, located, "may change at any time", [str(error)]) from None
        if not isinstance(value, Called):
            raise self._no_call(located, marker, where)
        if value.name in marker.forms:
            return self._arguments(_registered(marker, value), value)
        library, _, name = value.name.partition(".")
        if library in marker.libraries and name in library_models(library):
            arguments = self._plain_arguments(value)
            return LibraryModel(library=library, name=name, arguments=arguments)
        raise _MistakeError(unknown_form(value.name, value.name_span, marker))

    def _no_call(self, located: Located, marker: Forms, where: str) -> _MistakeError:
        value = located.value
        if isinstance(value, Symbol):
            if value in form_names(marker):
                return _MistakeError(
                    Diagnostic(
                        "LEGO206",
                        f"{marker.noun} `{value}` is written as a call",
                        located.span,
                        f"expected `{value}(..)`",
                        (f"write `{value}()`, or put its arguments in the parentheses",),
                    )
                )
            return _MistakeError(unknown_form(value, located.span, marker))
        helps = [f"a {marker.noun} is a call, such as `{form_names(marker)[0]}(..)`"]
        if marker.text is not None:
            helps.append("put a file's path in quotes")
        message = f"{where} takes a {marker.noun}, found {describe(value)}"
        return _wrong(message, located, f"expected a {marker.noun}", helps)

    def _arguments(self, form: type[BaseModel], called: Called) -> BaseModel:
        """Read a form's arguments as the fields of its block."""
        names = list(fields_of(form))
        placed: list[PlacedField] = []
        for position, argument in enumerate(called.arguments):
            if argument.name is not None:
                name = argument.name
            elif any(earlier.name is not None for earlier in called.arguments[:position]):
                message = "a positional argument follows a named one"
                raise _wrong(message, argument.value, "expected a name and `:` before it")
            elif position >= len(names):
                raise _MistakeError(too_many(called, position, names))
            else:
                name = names[position]
            placed.append(
                PlacedField(name, argument.name_span, argument.value, argument.value.span)
            )
        read = self.block(form, Body(tuple(placed), called.name_span), called.name)
        if read is None:
            raise _MistakeError(None)
        return read

    def _plain_arguments(self, called: Called) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        for argument in called.arguments:
            if argument.name is None:
                message = (
                    f"the arguments of `{called.name}` are named,"
                    f" found {describe(argument.value.value)} without a name"
                )
                raise _wrong(message, argument.value, "expected a name and `:` before it")
            if argument.name in arguments:
                raise _MistakeError(
                    Diagnostic(
                        "LEGO204",
                        f"argument `{argument.name}` is given twice in `{called.name}`",
                        argument.name_span,
                        "the second one",
                    )
                )
            arguments[argument.name] = _plain(argument)
        return arguments

    def _build(
        self, model: type[Model], values: dict[str, Any], places: Mapping[str, Located | Body]
    ) -> Model | None:
        try:
            return model.model_validate(values)
        except ValidationError as errors:
            for error in errors.errors(include_url=False):
                if error["type"] != "missing":
                    self._report(explain(error, places, model))
            return None


def _registered(marker: Forms, called: Called) -> type[BaseModel]:
    """Return the form that a call names, perhaps that of another package.

    Raises:
        _MistakeError: Its package cannot be imported, or registers something else.
    """
    try:
        form: type[BaseModel] = marker.forms.get(called.name)
    except UnusableError as error:
        raise _MistakeError(
            Diagnostic(
                "LEGO208",
                f"`{called.name}` cannot be used: {error}",
                called.name_span,
                "its package failed",
                (f"its entry point is `{marker.forms.place(called.name)}`",),
            )
        ) from None
    return form


def _plain(argument: Argument) -> Any:
    """Return an argument for another library's model, with the values in its lists."""

    def plain(value: Plain, located: Located) -> Any:
        if isinstance(value, tuple):
            return tuple(plain(item.value, item) for item in value)
        if isinstance(value, Called):
            expected = "a text, a number or a list"
            message = f"`{argument.name}` takes {expected}, found {describe(value)}"
            raise _wrong(message, located, f"expected {expected}")
        return str(value) if isinstance(value, str) else value

    return plain(argument.value.value, argument.value)


def _wrong(message: str, located: Located, label: str, helps: Sequence[str] = ()) -> _MistakeError:
    return _MistakeError(Diagnostic("LEGO206", message, located.span, label, tuple(helps)))

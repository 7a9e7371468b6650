"""Diagnostics for fields, arguments and forms that are wrong."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from pydantic import BaseModel

from legonet.diagnostics import Diagnostic, Span, did_you_mean
from legonet.language.base import Form
from legonet.language.library import library_models
from legonet.language.markers import Forms
from legonet.language.values import Body, Called, Located, PlacedField


def form_names(marker: Forms) -> list[str]:
    """Return the names of all forms that a field takes, the built-in ones first."""
    names = list(marker.forms.names)
    for library in marker.libraries:
        names += [f"{library}.{name}" for name in library_models(library)]
    return names


def unknown_form(name: str, span: Span, marker: Forms) -> Diagnostic:
    """Return the diagnostic for a call that is not one of a field's forms."""
    noun = marker.noun
    helps = _similar_form(name, marker)
    library = name.partition(".")[0]
    if library in marker.libraries and not library_models(library):
        helps = (f"the package {library} is not installed",)
    if not helps and marker.text is not None and "." in name:
        helps = (f'put a file\'s path in quotes: `"{name}"`',)
    if not helps:
        helps = (f"built in: {', '.join(marker.forms.own)}",)
    return Diagnostic("LEGO208", f"unknown {noun} `{name}`", span, f"no such {noun}", helps)


@lru_cache(maxsize=1024)
def _similar_form(name: str, marker: Forms) -> tuple[str, ...]:
    names = form_names(marker)
    similar = did_you_mean(name, names, marker.noun)
    if similar:
        return similar
    whole = {item.rpartition(".")[2]: item for item in names}
    close = did_you_mean(name.rpartition(".")[2], whole, marker.noun)
    return tuple(
        line.replace(f"`{last}`", f"`{item}`")
        for line in close
        for last, item in whole.items()
        if f"`{last}`" in line
    )


def word_for(model: type[BaseModel]) -> str:
    """Return what messages call the parts of a form or block."""
    return "argument" if issubclass(model, Form) else "field"


def misplaced(
    item: PlacedField,
    fields: Mapping[str, object],
    seen: Mapping[str, Located | Body],
    noun: str,
    word: str,
) -> Diagnostic | None:
    """Return the diagnostic for a field that does not belong in its block; None if it does."""
    if item.name not in fields:
        return Diagnostic(
            "LEGO203",
            f"unknown {word} `{item.name}` in `{noun}`",
            item.name_span,
            f"not {'an' if word == 'argument' else 'a'} {word} of `{noun}`",
            did_you_mean(item.name, fields, word)
            or (f"{word}s of `{noun}`: " + (", ".join(fields) or "none"),),
        )
    if item.name in seen:
        return Diagnostic(
            "LEGO204",
            f"{word} `{item.name}` is given twice in `{noun}`",
            item.name_span,
            "the second one",
            (f"the first one is on line {seen[item.name].span.line}",),
        )
    return None


def missing(absent: list[str], span: Span, noun: str, word: str) -> Diagnostic:
    """Return the diagnostic for missing fields, at a block's brace or at a call's name."""
    names = " and ".join(f"`{name}`" for name in absent)
    message = f"`{noun}` lacks the {word}{'s' * (len(absent) > 1)} {names}"
    if word == "argument":
        return Diagnostic("LEGO205", message, span, f"expected {names} in its parentheses")
    brace = Span(span.source, span.start, span.start + 1)
    return Diagnostic("LEGO205", message, brace, f"expected {names} in here")


def too_many(called: Called, position: int, names: list[str]) -> Diagnostic:
    """Return the diagnostic for a positional argument that a call has no name for."""
    most = f"at most {len(names)}" if names else "no"
    plural = "s" * (len(names) != 1)
    return Diagnostic(
        "LEGO209",
        f"`{called.name}` takes {most} argument{plural}, found {len(called.arguments)}",
        called.arguments[position].value.span,
        "one too many",
        (f"its arguments: {', '.join(names)}",) if names else (),
    )

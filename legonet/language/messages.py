"""Pydantic's errors, translated into the terms of the language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from legonet.diagnostics import Diagnostic, Span, did_you_mean
from legonet.language.values import Body, Located, describe

_EXPECTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "`true` or `false`",
    "string_type": "a string",
    "path_type": "a path in quotes",
    "is_instance_of": "a path in quotes",
    "finite_number": "a finite number",
}
LONGEST_LABEL = 50
"""Characters of the message that the label after the carets repeats, at most."""

_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def explain(
    error: ErrorDetails, places: Mapping[str, Located | Body], model: type[BaseModel]
) -> Diagnostic:
    """Return the diagnostic for one of pydantic's errors, at the narrowest place.

    Args:
        error: One of ``ValidationError.errors()``.
        places: The values as they were written, by the model's own field names.
        model: The model that was validated.
    """
    name = str(error["loc"][0]) if error["loc"] else ""
    alias = model.model_fields[name].alias if name in model.model_fields else None
    shown = alias or name
    place = places.get(name) or places.get(str(alias))
    if place is None:
        raise AssertionError(f"an error without a place: {error}")
    span, found = _narrow(place, error["loc"][1:])
    expected, helps = _expectation(error, found)
    label = f"expected {expected}" if len(expected) < LONGEST_LABEL else "none of these"
    message = f"`{shown}` takes {expected}, found {describe_found(found)}"
    return Diagnostic("LEGO206", message, span, label, helps)


def describe_found(found: Located | Body) -> str:
    """Return how messages describe a value as it was written."""
    return describe(found.value if isinstance(found, Located) else found)


def _narrow(place: Located | Body, path: tuple[int | str, ...]) -> tuple[Span, Located | Body]:
    for step in path:
        if (
            isinstance(step, int)
            and isinstance(place, Located)
            and isinstance(place.value, tuple)
            and step < len(place.value)
        ):
            place = place.value[step]
    return place.span, place


def _expectation(error: ErrorDetails, found: Located | Body) -> tuple[str, tuple[str, ...]]:
    kind = error["type"]
    context: dict[str, Any] = error.get("ctx", {})
    if kind in _EXPECTED:
        return _EXPECTED[kind], ()
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return f"{words} {context[bound]}", ()
    if kind in ("literal_error", "enum"):
        choices = [choice.strip("'") for choice in _choices(str(context["expected"]))]
        shown = ", ".join(choices[:-1]) + " or " + choices[-1] if len(choices) > 1 else choices[0]
        return shown, _similar_choice(found, choices)
    if kind == "unusable":
        return "one whose package can be used", (context["why"],)
    if kind == "too_short":
        return f"a list of at least {context['min_length']}", ()
    if kind == "tuple_type":
        return "a list", ("write it in brackets: `[..]`",)
    return str(error["msg"]).lower(), ()


def _choices(expected: str) -> list[str]:
    return expected.replace(" or ", ", ").split(", ")


def _similar_choice(found: Located | Body, choices: list[str]) -> tuple[str, ...]:
    """Return help on what may have been meant by a value that is not one of the choices."""
    if isinstance(found, Located) and isinstance(found.value, str):
        return did_you_mean(found.value, choices, "choice")
    if isinstance(found, Located) and str(found.value) in choices:
        return (f'put a string in quotes: `"{found.value}"`',)
    return ()

"""What a field's type does not say: which names and which forms it takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Named:
    """The field takes the name of a statement of this kind."""

    kind: str


@dataclass(frozen=True)
class Label:
    """The field takes a bare word or a string alike, such as a category of a data source."""


@dataclass(frozen=True)
class Forms:
    """The field takes a call of one of these forms.

    Args:
        noun: What a person would call it, such as ``model``.
        forms: The forms that are built in.
        text: The type for a bare string, which is then its only field; None if none is taken.
        libraries: Packages whose names are forms as well, such as ``torchvision``.
        entry_points: The entry point group that adds forms; empty if none does.
    """

    noun: str
    forms: tuple[type[BaseModel], ...]
    text: type[BaseModel] | None = None
    libraries: tuple[str, ...] = ()
    entry_points: str = ""


DataName = Annotated[str, Named("data")]
NetworkName = Annotated[str, Named("network")]
CategoryLabel = Annotated[str, Label()]


def markers_of(field: FieldInfo) -> tuple[Any, ...]:
    """Return the markers of a field, those of its list items among them."""
    found = list(field.metadata)
    found += _nested(field.annotation)
    return tuple(item for item in found if isinstance(item, Named | Label | Forms))


def _nested(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from annotation.__metadata__
    for argument in get_args(annotation):
        yield from _nested(argument)


def takes(field: FieldInfo, kind: type) -> bool:
    """Whether a type stands anywhere in a field's annotation."""
    return _mentions(field.annotation, kind)


def _mentions(annotation: Any, kind: type) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, kind):
        return True
    return any(_mentions(argument, kind) for argument in get_args(annotation))

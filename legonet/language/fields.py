"""What each field of a block or form takes, determined once per model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from legonet.language.base import Call, Frozen
from legonet.language.markers import AnyCall, Choice, Forms, Label, Named


@dataclass(frozen=True)
class FieldType:
    """What a field takes.

    Args:
        name: The model's own name for the field; its name in a spec may differ.
        required: Whether the field must be given.
        marker: Which names or forms it takes, if any.
        block: The model of its fields, if it is a block such as ``train``.
        words: Whether it takes bare words, such as ``segmentation``.
        path: Whether it takes a path.
        expected: How messages describe the plain value that it takes.
    """

    name: str
    required: bool
    marker: Named | Label | Choice | AnyCall | Forms | None
    block: type[Frozen] | None
    words: bool
    path: bool
    expected: str


@cache
def fields_of(model: type[BaseModel]) -> Mapping[str, FieldType]:
    """Return a model's fields by the names that they have in a spec."""
    return {info.alias or name: _type_of(name, info) for name, info in model.model_fields.items()}


def _type_of(name: str, info: FieldInfo) -> FieldType:
    marker = next(_markers(info), None)
    parts = list(_parts(info.annotation))
    blocks = (part for part in parts if isinstance(part, type) and issubclass(part, Frozen))
    return FieldType(
        name=name,
        required=info.is_required(),
        marker=marker,
        block=next(blocks, None) if marker is None else None,
        words=isinstance(marker, Choice)
        or _any(parts, Enum)
        or any(_has_words(part) for part in parts),
        path=_any(parts, Path),
        expected=_expected(parts),
    )


def _markers(info: FieldInfo) -> Iterator[Named | Label | Choice | AnyCall | Forms]:
    """Yield the markers of a field, its own before those of its list items."""
    found = list(info.metadata)
    for part in _parts(info.annotation):
        if get_origin(part) is Annotated:
            found += part.__metadata__
    return (item for item in found if isinstance(item, Named | Label | Choice | AnyCall | Forms))


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield a type and all the types that it is made of."""
    yield annotation
    if get_origin(annotation) is not Literal:
        for argument in get_args(annotation):
            yield from _parts(argument)


def _any(parts: list[Any], kind: type) -> bool:
    return any(isinstance(part, type) and issubclass(part, kind) for part in parts)


def _has_words(part: Any) -> bool:
    return get_origin(part) is Literal and any(isinstance(item, str) for item in get_args(part))


def _expected(parts: list[Any]) -> str:
    if _any(parts, Call):
        return "a call"
    if _any(parts, bool):
        return "`true` or `false`"
    if _any(parts, int) or _any(parts, float):
        return "a number"
    return "a string"

"""What a field's type does not say: which names and which forms it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel


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

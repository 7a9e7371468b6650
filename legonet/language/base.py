"""What all parts of a spec have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """A part of a spec: immutable, and without unknown fields."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True
    )


class Call(Frozen):
    """A call of something that another language or library knows, such as ``Net(classes: 3)``.

    Args:
        name: What is called; it may have dots.
        arguments: Its arguments, all by name.
    """

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class Form(Frozen):
    """A value written as a call, such as ``manifest("data")`` or ``conv(1)``.

    Positional arguments fill the fields in the order in which they are declared.

    Attributes:
        call: Its name in a spec.
        presets: Sets of arguments, by the words that an argument ``preset`` takes.
    """

    call: ClassVar[str]
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

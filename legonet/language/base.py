"""What all parts of a spec have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A part of a spec: immutable, and without unknown fields."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True
    )


class Form(Frozen):
    """A value written as a call, such as ``manifest("data")`` or ``conv(1)``.

    Positional arguments fill the fields in the order in which they are declared.

    Attributes:
        call: Its name in a spec.
        presets: Sets of arguments, by the words that an argument ``preset`` takes.
    """

    call: ClassVar[str]
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

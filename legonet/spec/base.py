"""What all parts of a spec have in common."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """A part of a spec: never changed once made, and without unknown fields."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True
    )


class Form(Frozen):
    """A value written as a call, such as ``manifest("data")`` or ``conv(1)``.

    Positional arguments fill the fields in the order in which they are declared.
    """

    call: ClassVar[str]


class Plugin(Frozen):
    """A form that another Python package registers at an entry point."""

    call: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class Goal(StrEnum):
    """The question that a task module answers."""

    CLASSIFICATION = "classification"
    SEGMENTATION = "segmentation"

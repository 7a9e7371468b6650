"""What a field's type alone does not say: which names and which forms it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError
from pydantic_core.core_schema import (
    no_info_after_validator_function,
    no_info_plain_validator_function,
)

from legonet.registry import Registry, UnusableError


@dataclass(frozen=True)
class Named:
    """The field takes the name of a statement of this kind."""

    kind: str


@dataclass(frozen=True)
class Label:
    """The field takes either a bare word or a string, such as a category of a data source."""


@dataclass(frozen=True)
class Choice:
    """The field takes the name of one of a registry's classes, as a bare word.

    Args:
        noun: What the reference calls such a class, such as ``start``.
        among: The classes, by their names.
    """

    noun: str
    among: Registry[Any]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Let pydantic check the name, as it checks the words of a `Literal`."""
        return no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, name: str) -> str:
        if name not in self.among:
            *others, last = map(repr, self.among.names)
            expected = f"{', '.join(others)} or {last}"
            raise PydanticKnownError("literal_error", {"expected": expected})
        try:
            self.among.get(name)
        except UnusableError as error:
            raise PydanticCustomError("unusable", "{why}", {"why": str(error)}) from None
        return name


@dataclass(frozen=True)
class AnyCall:
    """The field takes a call of any name, such as ``Net(classes: 3)``, as a `Call`."""


@dataclass(frozen=True)
class NameOrNumber:
    """The field takes a string or a whole number, such as the name or the place of an output."""

    def __get_pydantic_core_schema__(
        self,
        source: Any,
        handler: GetCoreSchemaHandler,
    ) -> CoreSchema:
        """Report one mistake, and not one for each of the two types."""
        return no_info_plain_validator_function(self._checked)

    def _checked(self, value: object) -> object:
        if isinstance(value, str | int) and not isinstance(value, bool):
            return value
        raise PydanticCustomError("name_or_number", "a name in quotes or a whole number")


@dataclass(frozen=True)
class Forms:
    """The field takes a call of one of these forms.

    Args:
        noun: What messages call such a form, such as ``model``.
        forms: The forms, by their names.
        text: Its ``of_text`` turns a bare string into a value; None if the field takes no bare
            string.
        libraries: Packages whose models are forms as well, such as ``torchvision``.
    """

    noun: str
    forms: Registry[Any]
    text: type[Any] | None = None
    libraries: tuple[str, ...] = ()


DataName = Annotated[str, Named("data")]
NetworkName = Annotated[str, Named("network")]
CategoryLabel = Annotated[str, Label()]

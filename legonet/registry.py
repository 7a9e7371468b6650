"""What a spec can name, by kind: legonet's own classes, and those of other packages."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

Registered = TypeVar("Registered")


class UnusableError(Exception):
    """A package registers something that cannot be used; the message says why."""


class Registry(Generic[Registered]):
    """The classes of one kind by their names; each is imported when it is first asked for.

    Args:
        base: The class that all of them extend.
        group: The entry point group at which other packages register theirs; empty if they cannot.
        own: Where legonet's own are, as ``module:attribute``, by their names.
    """

    def __init__(self, base: type, group: str, own: Mapping[str, str]) -> None:
        self.group = group
        self._base = base
        self._own = dict(own)

    def __contains__(self, name: object) -> bool:
        """Whether there is a class of this name, which need not be usable."""
        return name in self._own or name in self._others

    @property
    def names(self) -> tuple[str, ...]:
        """All names, legonet's own first; a package cannot take one of those."""
        return tuple(dict.fromkeys((*self._own, *self._others)))

    @property
    def own(self) -> tuple[str, ...]:
        """The names of legonet's own classes."""
        return tuple(self._own)

    def place(self, name: str) -> str:
        """Return where a class is, as ``module:attribute``.

        Raises:
            KeyError: There is nothing of this name.
        """
        return self._own[name] if name in self._own else self._others[name].value

    def get(self, name: str) -> type[Registered]:
        """Return the class that a name stands for.

        Raises:
            KeyError: There is nothing of this name.
            UnusableError: Its package cannot be imported, or registers something else.
        """
        if name in self._own:
            own: type[Registered] = imported(self._own[name])
            return own
        point = self._others[name]
        try:
            found: type[Registered] = point.load()
        # Whatever another package raises is reported as its own fault, not as a traceback.
        except Exception as error:
            raise UnusableError(f"{type(error).__name__}: {error}") from error
        if isinstance(found, type) and issubclass(found, self._base):
            missing = sorted(getattr(found, "__abstractmethods__", ()))
            if missing:
                raise UnusableError(f"`{found.__name__}` does not define `{missing[0]}`")
            return found
        shown = f"`{found.__name__}`" if isinstance(found, type) else f"a `{type(found).__name__}`"
        raise UnusableError(f"expected a subclass of `{self._base.__name__}`, found {shown}")

    @property
    def _others(self) -> Mapping[str, EntryPoint]:
        return _registered(self.group, tuple(sys.path)) if self.group else {}


def imported(place: str) -> Any:
    """Return what is at a place, written ``module:attribute``."""
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)


@cache
def _registered(group: str, _path: tuple[str, ...]) -> Mapping[str, EntryPoint]:
    """Return what the packages on a path register, which takes milliseconds to look up."""
    return {point.name: point for point in entry_points(group=group)}

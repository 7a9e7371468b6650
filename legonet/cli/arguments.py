"""Arguments that several commands share, and how they are parsed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from legonet.language import Override

spec_file = click.argument("spec", metavar="SPEC", type=click.Path(path_type=Path))
settings = click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="A new value for a `let` (root=../data), a field (dog_net.train.epochs=3) or an"
    " edge's field (cat->classify.samples=10).",
)

trust = click.option(
    "--trust",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A file of code that the spec names, such as net.py, which may run.",
)


class Place(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click alone
    """A folder, or a URL that fsspec supports."""

    name = "place"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,  # noqa: ARG002 - click passes it
        ctx: click.Context | None,  # noqa: ARG002
    ) -> Path | str:
        """Return a path, or the URL unchanged."""
        return value if isinstance(value, Path) or "://" in value else Path(value)


class Memory(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click alone
    """An amount of memory, such as ``8GiB``."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of bytes."""
        from legonet.building.execution.resources import bytes_of

        if isinstance(value, int):
            return value
        try:
            found = bytes_of(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if value.strip().replace(".", "", 1).isdecimal():
            self.fail(f"expected a unit, as in {value.strip()}GiB, found `{value}`", param, ctx)
        if found == 0:
            self.fail(f"expected more than nothing, found `{value}`", param, ctx)
        return found


class Device(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click alone
    """Where torch computes, such as ``cuda:1``."""

    name = "device"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return a device's name; only torch knows whether there is such a device."""
        if re.fullmatch(r"cpu|cuda(:\d+)?", value) is None:
            self.fail(f"expected cpu, cuda or cuda:N, found `{value}`", param, ctx)
        return str(value)


class ExecutorName(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click alone
    """What runs jobs: an executor by its name, or ``local`` for the default of the device."""

    name = "executor"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | None:
        """Return the executor's name; None for the default."""
        if value == "local":
            return None
        from legonet.building.execution.executor import EXECUTORS

        if value not in EXECUTORS.names:
            expected = ", ".join(("local", *EXECUTORS.names))
            self.fail(f"expected one of {expected}, found `{value}`", param, ctx)
        return str(value)


store_folder = click.option(
    "--store",
    metavar="PLACE",
    type=Place(),
    help="Where built things are stored: a folder, or a URL such as s3://bucket/store; default:"
    " .legonet beside SPEC.",
)
json_document = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON document on standard output, and nothing else.",
)


def overrides(settings: Sequence[str]) -> list[Override]:
    """Parse the values of ``--set``.

    Raises:
        DiagnosticError: One of them is not of the form ``NAME=VALUE``.
    """
    if not settings:
        return []
    from legonet.language import Override

    return [Override.parse(text) for text in settings]

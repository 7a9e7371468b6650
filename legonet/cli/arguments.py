"""Arguments that several commands share, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from legonet.spec import Override

spec_file = click.argument("spec", metavar="SPEC", type=click.Path(path_type=Path))
settings = click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="Another value for a `let` (root=../data), a field (dog_net.train.epochs=3) or an"
    " edge's field (cat->classify.samples=10).",
)


class Place(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click alone
    """A folder, or a URL that fsspec knows."""

    name = "place"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,  # noqa: ARG002 - click passes it
        ctx: click.Context | None,  # noqa: ARG002
    ) -> Path | str:
        """Return a path, or the URL as it is."""
        return value if isinstance(value, Path) or "://" in value else Path(value)


class Memory(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click alone
    """An amount of memory, such as ``8GiB``."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return its bytes."""
        from legonet.build.execution.resources import bytes_of

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
        """Return a device's name; whether there is such a device, only torch knows."""
        if re.fullmatch(r"cpu|cuda(:\d+)?", value) is None:
            self.fail(f"expected cpu, cuda or cuda:N, found `{value}`", param, ctx)
        return str(value)


store_folder = click.option(
    "--store",
    metavar="PLACE",
    type=Place(),
    help="Where built things live: a folder, or a URL such as s3://bucket/store; .legonet beside"
    " SPEC unless said.",
)
json_document = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON document on standard output, and nothing else.",
)


def overrides(settings: Sequence[str]) -> list[Override]:
    """Read the values behind ``--set``.

    Raises:
        DiagnosticError: One of them is no ``NAME=VALUE``.
    """
    if not settings:
        return []
    from legonet.spec import Override

    return [Override.parse(text) for text in settings]

"""Arguments that several commands share, and how they are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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
store_folder = click.option(
    "--store",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where built things live; .legonet beside SPEC unless said.",
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

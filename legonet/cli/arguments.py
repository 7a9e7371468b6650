"""Arguments that several commands share, and how they are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from legonet.spec import Override

SpecFile = Annotated[Path, typer.Argument(metavar="SPEC", help="A .lego file.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Another value for a `let` (root=../data), a field (dog_net.train.epochs=3) or an"
        " edge's field (cat->classify.samples=10).",
    ),
]
StoreFolder = Annotated[
    Path | None,
    typer.Option(
        "--store", metavar="DIR", help="Where built things live; .legonet beside SPEC unless said."
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="One JSON document on standard output, and nothing else.")
]


def overrides(settings: Sequence[str] | None) -> list[Override]:
    """Read the values behind ``--set``.

    Raises:
        DiagnosticError: One of them is no ``NAME=VALUE``.
    """
    from legonet.spec import Override

    return [Override.parse(text) for text in settings or ()]

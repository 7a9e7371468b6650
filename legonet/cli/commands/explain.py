"""``legonet explain``."""

from __future__ import annotations

from typing import Annotated

import typer

from legonet.diagnostics import CODES, did_you_mean


def explain(
    code: Annotated[str, typer.Argument(metavar="CODE", help="Such as LEGO203.")],
) -> None:
    """Show the long text of a diagnostic."""
    found = CODES.get(code.upper())
    if found is None:
        hint = "; ".join(did_you_mean(code.upper(), CODES, "code"))
        raise typer.BadParameter(f"no such code: {code}" + (f"; {hint}" if hint else ""))
    typer.echo(f"{found.name}: {found.title}\n\n{found.explanation.strip()}")

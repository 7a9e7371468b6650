"""``legonet explain``."""

from __future__ import annotations

import click

from legonet.diagnostics import CODES, did_you_mean


@click.command
@click.argument("code", metavar="CODE")
def explain(code: str) -> None:
    """Show the long text of a diagnostic, such as LEGO203."""
    found = CODES.get(code.upper())
    if found is None:
        hint = "; ".join(did_you_mean(code.upper(), CODES, "code"))
        raise click.BadParameter(f"no such code: {code}" + (f"; {hint}" if hint else ""))
    click.echo(f"{found.name}: {found.title}\n\n{found.explanation.strip()}")

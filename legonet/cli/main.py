"""The command line: arguments, progress and exit codes, and no logic.

Every module here is light to import; what a command needs is imported when it runs.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import legonet
from legonet.cli.commands.build import build
from legonet.cli.commands.check import check
from legonet.cli.commands.explain import explain
from legonet.cli.commands.inspect import inspect
from legonet.cli.commands.plan import plan
from legonet.cli.commands.render import render
from legonet.cli.commands.why import why
from legonet.cli.exits import Exit
from legonet.diagnostics import DiagnosticError

application = typer.Typer(
    name="legonet",
    help="One neural network out of many: frozen modules joined by learned adapters.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (check, plan, build, why, render, inspect, explain):
    application.command()(command)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"legonet {legonet.__version__}")
        raise typer.Exit


@application.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """One neural network out of many: frozen modules joined by learned adapters."""


def run() -> None:
    """Run the command line and leave with its exit code."""
    from legonet.cli.output import fail

    try:
        application(standalone_mode=True)
    except DiagnosticError as error:
        fail(error.diagnostics, Exit.MISTAKES, as_json="--json" in sys.argv)
    except KeyboardInterrupt:
        typer.echo("interrupted; what is finished is kept", err=True)
        sys.exit(Exit.INTERRUPTED)
    except Exception:
        import traceback

        traceback.print_exc()
        typer.echo("this is a bug in legonet; please report it with the lines above", err=True)
        sys.exit(Exit.BUG)

"""The command line: arguments, progress and exit codes, and no logic.

Every module here is quick to import; a command imports what it needs when it runs.
"""

from __future__ import annotations

import errno
import gc
import io
import os
import sys
from importlib import import_module
from pathlib import Path

import click

import legonet
from legonet.cli.output import Exit, fail, note
from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.text_bytes import BYTES_SHOWN

COMMANDS = {
    "check": "legonet.cli.commands.check",
    "fmt": "legonet.cli.commands.format",
    "cuts": "legonet.cli.commands.cuts",
    "plan": "legonet.cli.commands.plan",
    "build": "legonet.cli.commands.build",
    "why": "legonet.cli.commands.why",
    "render": "legonet.cli.commands.render",
    "diff": "legonet.cli.commands.diff",
    "inspect": "legonet.cli.commands.inspect",
    "predict": "legonet.cli.commands.predict",
    "export": "legonet.cli.commands.export",
    "store": "legonet.cli.commands.store",
    "explain": "legonet.cli.commands.explain",
}
"""The module of each command, in the order in which users meet them."""

YOUNG_OBJECTS = 200_000
"""New objects between two garbage collections; a command makes many and leaves little garbage."""


class Commands(click.Group):
    """The commands; only the one that is called is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click passes it
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command, or None if there is none with this name."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = getattr(import_module(COMMANDS[cmd_name]), cmd_name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the requested command, or fail and suggest the one that may be meant."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            hint = "; ".join(did_you_mean(args[0], COMMANDS, "command"))
            ctx.fail(f"no such command: {args[0]}" + (f"; {hint}" if hint else ""))
        return super().resolve_command(ctx, args)


@click.group(
    cls=Commands,
    name="legonet",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(legonet.__version__, prog_name="legonet", message="%(prog)s %(version)s")
def application() -> None:
    """One neural network out of many: frozen modules joined by learned adapters."""


def run() -> None:
    """Run the command line and leave with its exit code."""
    from legonet.cli.interruption import Interruption

    _open_streams()
    interruption = Interruption()
    interruption.install()
    try:
        _run()
    except BaseException as error:
        # Any error of an interrupted command is a consequence, unless the command ends well.
        ended_well = isinstance(error, SystemExit) and not error.code
        if ended_well or (interruption.number is None and not isinstance(error, KeyboardInterrupt)):
            raise
        interruption.leave(*getattr(error, "__notes__", ())[:1])


def _run() -> None:
    gc.set_threshold(YOUNG_OBJECTS)
    # Specs use no pydantic plugins, and looking for them would go through all packages.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Torch's threads should wait asleep; otherwise they spin, at the expense of all other work.
    # They read this when torch is imported, which no command has done yet.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    output = sys.stdout
    try:
        code = application.main(prog_name="legonet", standalone_mode=False)
        # What is still in the buffer may not find a place either.
        sys.stdout.flush()
        sys.exit(code)
    except SystemExit:
        if sys.stdout is not output:
            # Click replaces it where nobody reads it any more, and would end with 1.
            sys.exit(Exit.UNREAD)
        raise
    except click.Abort as error:
        # Click turns a KeyboardInterrupt into this.
        raise error.__cause__ or KeyboardInterrupt from None
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except DiagnosticError as error:
        fail(error.diagnostics, Exit.MISTAKES, as_json="--json" in sys.argv)
    except BrokenPipeError:
        # The reader of the output, such as `head`, has seen enough; the rest is discarded.
        _discard_output()
        sys.exit(Exit.UNREAD)
    except Exception as error:
        reason = _reason(error)
        if reason is not None:
            note(f"error: {reason}")
            if getattr(error, "filename", None) is None:
                _discard_output()
            sys.exit(Exit.OUTSIDE)
        import traceback

        traceback.print_exc()
        click.echo("this is a bug in legonet; please report it with the lines above", err=True)
        sys.exit(Exit.BUG)


def _discard_output() -> None:
    """Send what is still to be written to standard output nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _reason(error: Exception) -> str | None:
    """Return why a command could not go on that is no fault of legonet, or None."""
    if not isinstance(error, OSError):
        return None
    if error.filename is not None:
        # Most files have errors of their own; this is about what disks do at any moment.
        told = (errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.ENOSPC)
        return f"cannot use `{error.filename}`: {error.strerror}" if error.errno in told else None
    try:
        Path.cwd()
    except OSError:
        return "the current folder no longer exists; go to another one"
    if error.errno in (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EBADF):
        return f"cannot write the output: {os.strerror(error.errno)}"
    return None


def _open_streams() -> None:
    """Open those of the three standard streams that the parent process has closed.

    Otherwise the next file opened would take their place and receive the output for the user. What
    a stream cannot encode is written as an escape.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names of files may hold what the terminal's encoding has no letter for.
            stream.reconfigure(errors=BYTES_SHOWN)

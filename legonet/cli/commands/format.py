"""``legonet fmt``."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path

import click

from legonet.cli.output import Exit, show
from legonet.cli.tables import counted
from legonet.diagnostics import Diagnostic, DiagnosticError, SourceText, in_order

STANDARD_INPUT = "-"

WINDOWS = "\r\n"
"""How lines end on Windows; a text with one such line gets them all."""


@click.command
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a spec would change.")
@click.option("--diff", is_flag=True, help="Like --check, and show what would change.")
def fmt(specs: tuple[str, ...], check: bool, diff: bool) -> None:
    """Format the specs in the one canonical layout; of a folder, all specs in it and below.

    Windows' line ends and a byte order mark stay. If SPEC is -, the text is read from standard
    input and written to standard output.
    """
    write = not (check or diff)
    mistakes: list[Diagnostic] = []
    changes: list[bool] = []
    files: list[str] = []
    for spec in specs:
        try:
            files += _meant(spec)
        except DiagnosticError as error:
            mistakes += error.diagnostics
    for file in files:
        try:
            changes.append(_format(file, write=write, diff=diff))
        except DiagnosticError as error:
            mistakes += error.diagnostics
    show(in_order(mistakes))
    if specs != (STANDARD_INPUT,):
        click.echo(_summary(changes, len(files), write=write), err=True)
    if mistakes or (any(changes) and not write):
        raise click.exceptions.Exit(Exit.MISTAKES)


def _meant(spec: str) -> list[str]:
    from legonet.syntax import specs_of

    is_folder = spec != STANDARD_INPUT and Path(spec).is_dir()
    return [str(file) for file in specs_of(Path(spec))] if is_folder else [spec]


def _format(spec: str, *, write: bool, diff: bool) -> bool:
    """Format one spec, and return whether that changes it."""
    from legonet.syntax import find_text, format_text, write_text

    path = None if spec == STANDARD_INPUT else find_text(Path(spec), spec)
    source, marked = _standard_input() if path is None else _file(path, spec)
    text = format_text(source)
    if WINDOWS in source.text:
        text = text.replace("\n", WINDOWS)
    changed = text != source.text
    if diff and changed:
        _show_difference(source, text)
    if path is None and write:
        _put_out(("\ufeff" if marked else "") + text)
    elif changed:
        if path is not None and write:
            write_text(path, SourceText(spec, text), marked=marked)
        click.echo(f"{'formatted' if write else 'would format'} {spec}", err=True)
    return changed


def _file(path: Path, spec: str) -> tuple[SourceText, bool]:
    """Read a spec; also return whether it begins with a byte order mark."""
    from legonet.syntax import read_text

    source = read_text(path, spec)
    try:
        with path.open("rb") as stream:
            return source, stream.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8
    except OSError as error:
        raise DiagnosticError.of("LEGO101", f"cannot read `{spec}`: {_reason(error)}") from None


def _standard_input() -> tuple[SourceText, bool]:
    content = sys.stdin.buffer.read()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"byte {content[error.start]:#04x} begins no character"
        raise DiagnosticError.of(
            "LEGO102",
            f"the standard input is not UTF-8 text: {found}",
            help=["send the text as UTF-8"],
        ) from None
    return SourceText("<stdin>", text), content.startswith(codecs.BOM_UTF8)


def _show_difference(source: SourceText, text: str) -> None:
    from difflib import unified_diff

    names = f"{source.path} (as it is)", f"{source.path} (formatted)"
    for line in unified_diff(_lines(source.text), _lines(text), *names):
        _put_out(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")


def _lines(text: str) -> list[str]:
    """Return the lines of a text with their line breaks; a lone carriage return is not one."""
    return [f"{line}\n" for line in text.split("\n")[:-1]] + [
        line for line in text.split("\n")[-1:] if line
    ]


def _put_out(text: str) -> None:
    """Write to standard output, byte for byte, whatever the terminal's encoding."""
    click.echo(text.encode(errors="surrogateescape"), nl=False)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _summary(changes: list[bool], specs: int, *, write: bool) -> str:
    changed = sum(changes)
    unchanged = len(changes) - changed
    skipped = specs - len(changes)
    words = [f"{counted(changed, 'spec')} {'formatted' if write else 'would be formatted'}"]
    if unchanged:
        words.append(f"{unchanged} left as {'it is' if unchanged == 1 else 'they are'}")
    if skipped:
        words.append(f"{skipped} with mistakes")
    return ", ".join(words)

"""The text of a manifest: its encoding, what separates cells, and what columns are called."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

from legonet.diagnostics import DiagnosticError, did_you_mean

SEPARATORS = (",", ";", "\t")
"""What may be between cells: spreadsheets write semicolons where a comma is in numbers."""

_NAMED = {",": "commas", ";": "semicolons", "\t": "tabs"}

OTHER_NAMES = {
    "path": ("file", "filename", "file_name", "filepath", "file_path", "image", "image_path"),
    "category": ("label", "class", "class_name"),
    "split": ("subset", "set"),
}
"""What else people call the columns that a table must have, where none has the name itself."""

OPTIONAL = ("category", "mask_path")
"""Columns that are found in other letters, too, but under no other name: it could mean anything."""


def table_of(file: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """Read a table as text; cells that a short line lacks are empty.

    Args:
        file: The table.
        needed: The names of the columns that it must have.

    Returns:
        For each row its cells by the names of their columns. Those in `needed` and `OPTIONAL` have
        these names, whatever the table calls them.

    Raises:
        DiagnosticError: The table is missing, has no such columns, or is no text.
    """
    text = _text(file)
    readings = {separator: _columns(text, separator) for separator in SEPARATORS}
    fitting = [
        separator
        for separator, columns in readings.items()
        if all(_meant(name, columns, OTHER_NAMES) for name in needed)
    ]
    if len(fitting) > 1:
        raise malformed(file, f"expected one separator, found {_NAMED[fitting[0]]} and others")
    # Where none fits, the one with the most columns is most likely meant.
    separator = fitting[0] if fitting else max(readings, key=lambda item: len(readings[item]))
    columns = readings[separator]
    if not columns:
        return []
    names: dict[str, str] = {}
    for name in dict.fromkeys((*needed, *OPTIONAL)):
        meant = _meant(name, columns, OTHER_NAMES if name in needed else {})
        if len(meant) > 1:
            listed = " and ".join(f"`{column}`" for column in meant)
            raise malformed(
                file,
                f"expected one column `{name}`, found {listed}",
                f"rename the one that is meant to `{name}`",
            )
        if meant:
            names[meant[0]] = name
        elif name in needed:
            raise _absent(file, name, columns)
    try:
        rows = csv.reader(StringIO(text, newline=""), delimiter=separator)
        next(rows, None)
        titles = [names.get(column, column) for column in columns]
        return [
            {
                title: cell.strip()
                for title, cell in zip(titles, [*row, *[""] * len(titles)], strict=False)
                if title
            }
            for row in rows
            if row
        ]
    except csv.Error as error:
        raise _no_table(file, error) from error


def malformed(file: Path, message: str, *help_lines: str) -> DiagnosticError:
    """Return the error that a manifest is malformed."""
    return DiagnosticError.of(
        "LEGO402",
        message,
        label="its manifest is malformed",
        help=[*help_lines, f"the manifest is `{file}`"],
    )


def _text(file: Path) -> str:
    """Return a file's text, with the byte order marks that Windows puts before it."""
    try:
        content = file.read_bytes()
        wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return content.decode("utf-16" if wide else "utf-8-sig")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DiagnosticError.of(
            "LEGO401",
            f"expected a manifest, found no file `{file}`",
            label="no `manifest.csv` there",
            help=["a relative path is relative to the spec that contains it"],
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _no_table(file, error) from error


def _no_table(file: Path, error: Exception) -> DiagnosticError:
    return malformed(file, f"expected a CSV table in UTF-8, found something else: {error}")


def _columns(text: str, separator: str) -> list[str]:
    """Return the names in the first line that is not empty, as a separator divides it."""
    try:
        rows = csv.reader(StringIO(text, newline=""), delimiter=separator)
        return [name.strip() for name in next((row for row in rows if row), [])]
    except csv.Error:
        return []


def _meant(name: str, columns: Sequence[str], others: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the columns that may be meant by a name: itself, in other letters, or another name."""
    if name in columns:
        return [name]
    known = {column: column.casefold().replace(" ", "_").replace("-", "_") for column in columns}
    found = [column for column, plain in known.items() if plain == name.casefold()]
    return found or [column for column, plain in known.items() if plain in others.get(name, ())]


def _absent(file: Path, name: str, columns: Sequence[str]) -> DiagnosticError:
    found = ", ".join(f"`{column}`" for column in columns if column) or "none"
    return malformed(
        file,
        f"expected a column `{name}`, found {found}",
        *did_you_mean(name, [column for column in columns if column], "column"),
    )

"""Files beside the pictures of a source that it does not read, and when that is worth a warning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, get_args

from legonet.data.source import Split
from legonet.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from legonet.data.source import Source

HIDDEN = "hidden"
"""How files and folders are counted that systems and programs keep for themselves."""

KEPT_BESIDE = (
    "__macosx",
    "@eadir",
    "#recycle",
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "thumbs.db",
    "desktop.ini",
)
"""What systems keep beside pictures under names that do not begin with a dot, in lower case."""

UNREAD_PICTURES = (".heic", ".heif", ".avif", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".raw")
"""Endings of pictures that no source reads."""


def is_hidden(name: str) -> bool:
    """Return whether it is what programs keep beside pictures, such as ``.ipynb_checkpoints``."""
    return name.startswith(".") or name.lower() in KEPT_BESIDE


def in_words(left_out: Mapping[str, int]) -> str:
    """Return how many files of each kind are left out, such as ``3 hidden, 12 .heic``."""
    return ", ".join(f"{count} {kind}" for kind, count in left_out.items())


def left_out_warning(source: Source) -> Diagnostic | None:
    """Return the warning that a source leaves out pictures, or most of its files; None if not."""
    others = {kind: count for kind, count in source.skipped.items() if kind != HIDDEN}
    if not others:
        return None
    pictures = sum(len(source.examples(split)) for split in get_args(Split))
    count, unread = sum(others.values()), not set(others).isdisjoint(UNREAD_PICTURES)
    if count <= pictures and not unread:
        return None
    return Diagnostic(
        "LEGO421",
        f"{count} of {count + pictures} files are left out: {in_words(others)}",
        label="not all of its files are read",
        help=(
            "convert these pictures to JPEG or PNG"
            if unread
            else "move what is no picture out of the folder",
        ),
        severity=Severity.WARNING,
    )

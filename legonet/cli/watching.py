"""Building again after each edit of a spec."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from legonet.cli.output import note
from legonet.cli.tables import counted
from legonet.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from legonet.language import Override

SETTLED = 100
"""Milliseconds without a change after which several saves are one edit."""

LOOK_ANYWAY = 1_000
"""Milliseconds after which files are read even if no change was reported."""

DigestCache = Mapping[Path, bytes | None]
"""The contents of some files; None for one that cannot be read."""


def watched(spec: Path, overrides: Sequence[Override], build: Callable[[], object]) -> None:
    """Build, and again after each edit of the spec or of a file that it imports, until Ctrl-C.

    An edit during a build takes effect once that build has ended.

    Args:
        spec: The ``.lego`` file.
        overrides: Values for single fields and constants.
        build: Builds what the files say when it is called; it shows mistakes instead of raising.

    Raises:
        KeyboardInterrupt: A build was interrupted; Ctrl-C while waiting for an edit just returns.
    """
    while True:
        # Read before the build, so that no edit is missed while it runs.
        before = contents(files_of(spec, overrides))
        build()
        others = len({file.resolve() for file in before}) - 1
        imports = f" and {counted(others, 'file')} that it imports" if others else ""
        try:
            note(f"waiting for an edit of {spec}{imports}; Ctrl-C ends it")
            wait(before)
        except KeyboardInterrupt:
            return
        note(f"{spec} was edited")


def files_of(spec: Path, overrides: Sequence[Override]) -> set[Path]:
    """Return the files that a spec consists of, with its code, including missing ones."""
    from legonet.language import load_spec
    from legonet.language.expand import expand
    from legonet.language.models import CodeModel
    from legonet.language.override import for_constants

    expanded = expand(spec, for_constants(overrides))
    code: set[Path] = set()
    for network in load_spec(spec, overrides).spec.networks.values():
        if isinstance(network.model, CodeModel):
            code.add(network.model.file)
            with suppress(DiagnosticError):  # the build says what is wrong with it
                code |= {*network.model.code_files}
    return {spec.absolute(), *expanded.links, *expanded.links.values(), *code}


def contents(files: Iterable[Path]) -> DigestCache:
    """Read files."""
    found: dict[Path, bytes | None] = dict.fromkeys(files)
    for file in found:
        # A file may be missing while an editor replaces it; that counts like any other edit.
        with suppress(OSError):
            found[file] = file.read_bytes() if file.is_file() else None
    return found


def wait(before: DigestCache) -> None:
    """Wait until the contents of some files have changed, and saving has settled."""
    from watchfiles import watch

    folders = {_existing(file.parent) for file in before}
    # An editor may write another file and rename it, so the folders are watched, not the files.
    # Only the contents count: a change may be reported late, twice or not at all.
    for _ in watch(
        *folders,
        watch_filter=None,
        step=SETTLED,
        rust_timeout=LOOK_ANYWAY,
        yield_on_timeout=True,
        recursive=False,
        ignore_permission_denied=True,
    ):
        if contents(before) != before:
            return


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.is_dir())

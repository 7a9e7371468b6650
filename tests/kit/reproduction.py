"""The tool that reproduces the paper's experiments, and its modules."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kit.commands import run_here

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools" / "reproduction"
SPECS = ROOT / "specs" / "paper"
TABLES = (1, 2, 3, 4)


@contextmanager
def importable() -> Iterator[None]:
    """Let the modules of the tool be imported by their short names, and forget them in the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOOLS))
        yield
    for file in TOOLS.glob("*.py"):
        sys.modules.pop(file.stem, None)


def reproduce(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run ``tools/reproduce``; what it builds is built by processes of their own."""
    with importable():
        from reproduce import main

        return run_here(main, ROOT, "tools/reproduce", *map(str, arguments))

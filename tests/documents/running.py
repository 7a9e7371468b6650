"""Running the blocks of a page from top to bottom, in one folder and one namespace."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from blocks import REPOSITORY, Block
from kit.commands import legonet
from shown_output import fits

PROMPT = "$ "


def run_page(blocks: list[Block], given: dict[str, Any]) -> None:
    """Run the blocks of a page in the current folder.

    Args:
        blocks: From top to bottom.
        given: Names that the page's Python may use without defining them.

    Raises:
        AssertionError: A block fails, or does not print what the page shows.
    """
    namespace = {"__name__": "page", **given}
    for block in blocks:
        if block.not_run is not None:
            continue
        if block.file is not None:
            write_file(block, Path(block.file))
        elif block.language == "console":
            run_console(block)
        elif block.language == "python":
            run_python(block, namespace)


def write_file(block: Block, file: Path) -> None:
    """Write the file that a block shows."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block.text, encoding="utf-8")


def run_console(block: Block) -> None:
    """Run the commands of a block, and compare what they print where the page shows it.

    Only ``legonet`` is run: a test installs nothing, and starts no program of the machine. A build
    has one job, whatever the number of cores.
    """
    for command, shown in commands_of(block):
        assert command.startswith("legonet "), f"{block.name}: `{command}` is not legonet"
        finished = run_command(command)
        output = finished.stdout + (finished.stderr if finished.returncode else "")
        told = f"{block.name}: `{command}` ended with {finished.returncode}:\n"
        fails = "error[" in shown
        assert (finished.returncode != 0) == fails, told + output + finished.stderr
        assert not shown or fits(shown, output), f"{told}{output}\nThe page shows:\n{shown}"


def run_command(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command: in this process, unless it needs a shell."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    if any(set(word) <= set("();<>|&") or set(word) & set("*?$~`") for word in words):
        return subprocess.run(
            ["bash", "-c", command], env=shell(), capture_output=True, text=True, check=False
        )
    return legonet(Path(), *words[1:])


def commands_of(block: Block) -> Iterator[tuple[str, str]]:
    """Yield each command of a block and what is shown after it."""
    first, *parts = f"\n{block.text}".split(f"\n{PROMPT}")
    assert not first.strip(), f"{block.name}: expected `{PROMPT}` before the first command"
    for part in parts:
        command, _, shown = part.partition("\n")
        yield command, shown


def shell() -> dict[str, str]:
    """Return the environment of a command line in which ``legonet`` is the one under test."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    settings = {"PATH": path, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "100"}
    return {**os.environ, **settings}


def run_python(block: Block, namespace: dict[str, Any]) -> None:
    """Run a block of Python, and compare what it prints where the page shows it."""
    # As many lines in front as on the page, so that a traceback names the line there.
    text = "\n" * (block.line - 1) + block.text
    code = compile(text, block.page.relative_to(REPOSITORY).as_posix(), "exec")
    printed = StringIO()
    with redirect_stdout(printed):
        exec(code, namespace)
    shown = block.shown
    assert shown is None or fits(shown, printed.getvalue()), (
        f"{block.name} prints:\n{printed.getvalue()}\nThe page shows:\n{shown}"
    )

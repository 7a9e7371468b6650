"""The two ways to Graphviz: its program `dot`, and the library that pygraphviz carries.

Both run in a process of their own. Graphviz writes its warnings, such as about fonts, straight to
the standard error of the process that it runs in; so they end here.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

_BUNDLED = Path(__file__).with_name("bundled_graphviz.py")

Engine = Callable[[str, str, bool], bytes | None]
"""DOT, Graphviz's name of a format, and whether DOT says where everything is, to a picture; or to
None where there is no such engine."""

# Real letters grow with their size; the boxes that stand in for those of no font do not.
_LETTERS = 'graph { node [shape=plain] a [label="m", fontsize=10] b [label="m", fontsize=40] }'


class EngineError(Exception):
    """An engine is there and failed."""


def program(dot: str, picture_format: str, placed: bool = False) -> bytes | None:
    """Return a picture by the program ``dot``, or None where there is none on the path.

    Args:
        dot: The picture in the DOT language.
        picture_format: Graphviz's name of a format, such as ``svg``.
        placed: Whether it says where everything is, so that nothing is laid out.

    Raises:
        EngineError: The program failed.
    """
    import graphviz

    try:
        picture = graphviz.Source(dot).pipe(
            format=picture_format,
            engine="neato" if placed else "dot",
            neato_no_op=2 if placed else None,
            quiet=True,
        )
    except graphviz.ExecutableNotFound:
        return None
    except graphviz.CalledProcessError as error:
        raise EngineError(_last_line(error.stderr)) from error
    except OSError as error:
        raise EngineError(f"cannot run `dot`: {error}") from error
    return bytes(picture)


def bundled(dot: str, picture_format: str, placed: bool = False) -> bytes | None:
    """Return a picture by pygraphviz, or None where it is not installed.

    Args:
        dot: The picture in the DOT language.
        picture_format: Graphviz's name of a format, such as ``svg``.
        placed: Whether it says where everything is, so that nothing is laid out.

    Raises:
        EngineError: The library failed.
    """
    if find_spec("pygraphviz") is None:
        return None
    # -P: the script's folder is no place to import from.
    command = [sys.executable, "-P", str(_BUNDLED), picture_format]
    command += ["placed"] if placed else []
    try:
        done = subprocess.run(  # noqa: S603 - this Python and our own script
            command, input=dot.encode(), capture_output=True, check=True
        )
    except subprocess.CalledProcessError as error:
        raise EngineError(_last_line(error.stderr)) from error
    except OSError as error:
        raise EngineError(f"cannot run Python: {error}") from error
    return done.stdout


ENGINES: tuple[Engine, ...] = (program, bundled)


def require_fonts(engine: Engine) -> None:
    """Refuse an engine that finds no font, as in a bare container, and would draw empty boxes.

    Raises:
        EngineError: There is no font.
    """
    lines = (engine(_LETTERS, "plain", False) or b"").decode().splitlines()
    if len({line.split()[4] for line in lines if line.startswith("node ")}) < 2:
        raise EngineError("no font is installed, so that every letter would be an empty box")


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it gave no reason")

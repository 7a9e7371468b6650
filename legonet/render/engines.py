"""Drawing with Graphviz: its program `dot`, or else the library bundled in pygraphviz.

Both run in a process of their own: Graphviz writes warnings, such as those about fonts, straight
to the standard error of its process, and so they go no further.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from legonet.diagnostics import DiagnosticError
from legonet.text_bytes import to_bytes

_BUNDLED = Path(__file__).with_name("bundled_graphviz.py")

Engine = Callable[[str, str, bool], bytes | None]
"""Takes DOT, Graphviz's name for a format, and whether DOT says where everything is; returns a
picture, or None if this engine is not installed."""

# Real letters grow with their size; the boxes that replace them where there is no font do not.
_LETTERS = 'graph { node [shape=plain] a [label="m", fontsize=10] b [label="m", fontsize=40] }'


class EngineError(Exception):
    """An engine is installed but failed."""


def program(dot: str, picture_format: str, placed: bool = False) -> bytes | None:
    """Return a picture drawn by the program ``dot``, or None if it is not on the path.

    Args:
        dot: The picture in the DOT language.
        picture_format: Graphviz's name for a format, such as ``svg``.
        placed: Whether the DOT says where everything is, so that nothing is laid out.

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
    """Return a picture drawn by pygraphviz, or None if it is not installed.

    Args:
        dot: The picture in the DOT language.
        picture_format: Graphviz's name for a format, such as ``svg``.
        placed: Whether the DOT says where everything is, so that nothing is laid out.

    Raises:
        EngineError: The library failed.
    """
    if find_spec("pygraphviz") is None:
        return None
    # -P: do not import from the script's folder.
    command = [sys.executable, "-P", str(_BUNDLED), picture_format]
    command += ["placed"] if placed else []
    try:
        done = subprocess.run(  # noqa: S603 - this Python and our own script
            command, input=to_bytes(dot), capture_output=True, check=True
        )
    except subprocess.CalledProcessError as error:
        raise EngineError(_last_line(error.stderr)) from error
    except OSError as error:
        raise EngineError(f"cannot run Python: {error}") from error
    return done.stdout


ENGINES: tuple[Engine, ...] = (program, bundled)


def require_fonts(engine: Engine) -> None:
    """Reject an engine that finds no font, as in a bare container, and would draw empty boxes.

    Raises:
        EngineError: There is no font.
    """
    lines = (engine(_LETTERS, "plain", False) or b"").decode().splitlines()
    if len({line.split()[4] for line in lines if line.startswith("node ")}) < 2:
        raise EngineError("no font is installed, so every letter would be an empty box")


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it gave no reason")


POINTS = 72
"""Points per inch."""

PIXELS_PER_INCH = 144
"""The resolution of a PNG: two pixels per point, so that small letters stay sharp."""

FEWEST_PIXELS_PER_INCH = 96
"""The resolution of a very large PNG; its smallest letters can still be read."""

MOST_PIXELS = 16e6
"""Pixels above which a PNG gets a lower resolution; larger ones take seconds to write."""


def pixels_per_inch(width: float, height: float) -> int:
    """Return the resolution of a PNG.

    Args:
        width: The width of the picture, in points.
        height: The height of the picture, in points.
    """
    inches = width * height / POINTS**2
    affordable = int((MOST_PIXELS / max(inches, 1)) ** 0.5)
    return max(FEWEST_PIXELS_PER_INCH, min(PIXELS_PER_INCH, affordable))


def picture_of(
    dot: str, suffix: str, *, placed: bool = False, resolution: int = PIXELS_PER_INCH
) -> bytes:
    """Return a picture drawn by the first engine that can draw it.

    Args:
        dot: The picture in the DOT language.
        suffix: The suffix of one of Graphviz's formats, such as ``.svg``.
        placed: Whether the DOT says where everything is, so that nothing is laid out.
        resolution: The resolution of a PNG, in pixels per inch.

    Raises:
        DiagnosticError: LEGO804, no Graphviz is installed; LEGO805, Graphviz failed.
    """
    picture_format = suffix.removeprefix(".")
    if picture_format == "png":
        head, brace, tail = dot.rpartition("}")
        dot = f"{head}graph [dpi={resolution}]\n{brace}{tail}"
    reasons = []
    for engine in ENGINES:
        try:
            picture = engine(dot, picture_format, placed)
            if picture is not None and picture_format in ("png", "pdf"):
                require_fonts(engine)
        except EngineError as error:
            reasons.append(str(error))
        else:
            if picture is not None:
                return picture
    if reasons:
        raise DiagnosticError.of(
            "LEGO805",
            f"Graphviz cannot draw this as {picture_format}: {reasons[0]}",
            help=[*reasons[1:], "a `.svg` file needs no fonts, and a `.dot` file no Graphviz"],
        )
    raise DiagnosticError.of(
        "LEGO804",
        "neither the program `dot` nor pygraphviz is installed",
        help=[
            "install Graphviz, or `pip install 'pygraphviz>=2'`, which includes it",
            "a `.dot` file needs neither",
        ],
    )

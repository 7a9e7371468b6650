"""DOT to a picture, and a picture to a file."""

from __future__ import annotations

import secrets
from pathlib import Path

from legonet.diagnostics import DiagnosticError
from legonet.render.engines import ENGINES, EngineError, require_fonts

FORMATS = (".svg", ".png", ".pdf", ".dot")
"""The suffixes of the files with pictures."""

POINTS = 72
"""Points of an inch."""

PIXELS_PER_INCH = 144
"""Of PNG: twice the points, so that small letters stay sharp."""

FEWEST_PIXELS_PER_INCH = 96
"""Of a PNG that is very large; its smallest letters can still be read."""

MOST_PIXELS = 16e6
"""Of a PNG whose letters are as sharp as possible; larger ones take seconds to write."""


def format_of(file: Path) -> str:
    """Return the format that a file's suffix says, one of `FORMATS`.

    Raises:
        DiagnosticError: LEGO801, another suffix.
    """
    suffix = file.suffix.lower()
    if suffix not in FORMATS:
        found = f"`{file.suffix}`" if file.suffix else f"`{file.name}` without one"
        raise DiagnosticError.of(
            "LEGO801",
            f"expected a file that ends in {', '.join(FORMATS)}, found {found}",
            help=[f"write to `{file.stem or 'picture'}.svg`"],
        )
    return suffix


def pixels_per_inch(width: float, height: float) -> int:
    """Return how sharp a PNG is.

    Args:
        width: Of the picture, in points.
        height: Likewise.
    """
    inches = width * height / POINTS**2
    affordable = int((MOST_PIXELS / max(inches, 1)) ** 0.5)
    return max(FEWEST_PIXELS_PER_INCH, min(PIXELS_PER_INCH, affordable))


def picture_of(
    dot: str, suffix: str, *, placed: bool = False, resolution: int = PIXELS_PER_INCH
) -> bytes:
    """Return a picture by the first engine that can draw it.

    Args:
        dot: The picture in the DOT language.
        suffix: One of `FORMATS`, or of Graphviz's others.
        placed: Whether it says where everything is, so that nothing is laid out.
        resolution: Of PNG, in pixels per inch.

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
            "install Graphviz, or `pip install 'pygraphviz>=2'`, which carries one",
            "a `.dot` file needs neither",
        ],
    )


def write_file(file: Path, content: bytes) -> None:
    """Write a file beside its place first, so that nobody ever reads half of it.

    Raises:
        DiagnosticError: LEGO803, it cannot be written.
    """
    unfinished = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        try:
            unfinished.write_bytes(content)
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        folder = file.parent
        raise DiagnosticError.of(
            "LEGO803",
            f"cannot write `{file}`: {(error.strerror or str(error)).lower()}",
            help=[
                "write to a folder and a file that you may write to"
                if folder.is_dir()
                else f"make the folder `{folder}` first"
            ],
        ) from error

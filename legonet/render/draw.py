"""DOT to a file with a picture."""

from __future__ import annotations

import secrets
from pathlib import Path

from legonet.diagnostics import DiagnosticError
from legonet.render.engines import ENGINES, EngineError, require_fonts

FORMATS = (".svg", ".png", ".pdf", ".dot")
"""The suffixes of the files that `draw` writes."""

PIXELS_PER_INCH = 144
"""Of PNG: twice the points, so that small letters stay sharp."""


def draw(dot: str, file: Path) -> None:
    """Write a picture in the format that a file's suffix says; the file is whole or untouched.

    Args:
        dot: The picture in the DOT language.
        file: Where to; its suffix is one of `FORMATS`.

    Raises:
        DiagnosticError: LEGO801, another suffix; LEGO803, the file cannot be written; LEGO804, no
            Graphviz is installed; LEGO805, Graphviz failed.
    """
    suffix = file.suffix.lower()
    if suffix not in FORMATS:
        found = f"`{file.suffix}`" if file.suffix else f"`{file.name}` without one"
        raise DiagnosticError.of(
            "LEGO801",
            f"expected a file that ends in {', '.join(FORMATS)}, found {found}",
            help=[f"write to `{file.stem or 'picture'}.svg`"],
        )
    _write(file, dot.encode() if suffix == ".dot" else _picture(dot, suffix[1:]))


def _picture(dot: str, picture_format: str) -> bytes:
    """Return the picture by the first engine that can draw it."""
    if picture_format == "png":
        head, brace, tail = dot.rpartition("}")
        dot = f"{head}graph [dpi={PIXELS_PER_INCH}]\n{brace}{tail}"
    reasons = []
    for engine in ENGINES:
        try:
            picture = engine(dot, picture_format)
            if picture is not None and picture_format != "svg":
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


def _write(file: Path, content: bytes) -> None:
    """Write a file beside its place first, so that nobody ever reads half of it."""
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
